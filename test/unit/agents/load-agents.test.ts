import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { expectedAgent, loadAgents } from "../../../src/agents/load-agents.ts";
import { OPTIONS } from "./compile-options.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "agents-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, content: string | Uint8Array): Promise<void> {
  await writeFile(join(folder, name), content);
}

/** The lines of the error, without the folder. */
async function faults(): Promise<string[]> {
  const message = await loadAgents(folder, OPTIONS).then(
    () => "nothing was thrown",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return message.replaceAll(`${folder}/`, "").replaceAll(folder, "FOLDER").split("\n");
}

it("loads every *.json file in the order of their names, with their notes", async () => {
  await write("b.json", '\uFEFF{"id": "first", "name": "B"}');
  await write("c.json", '{"id": "second", "name": "C",\n"behavior": {}}');
  await write("readme.md", "no agent");
  await write(".hidden.json", "no agent");
  await mkdir(join(folder, "sub"));
  await symlink(join(folder, "readme.md"), join(folder, "link.md"));
  const { agents, notes } = await loadAgents(folder, OPTIONS);
  expect([...agents].map(([id, agent]) => [id, agent.name])).toEqual([
    ["first", "B"],
    ["second", "C"],
  ]);
  expect(notes).toEqual([
    `${join(folder, "c.json")}:2 behavior: ignored and not kept; it belongs to another part of Puppet Engine`,
  ]);
});

it("follows links, as mounted configuration has them", async () => {
  await mkdir(join(folder, "..data"));
  await write("..data/ada", '{"id": "ada", "name": "Ada"}');
  await symlink("..data/ada", join(folder, "ada.json"));
  expect([...(await loadAgents(folder, OPTIONS)).agents.keys()]).toEqual(["ada"]);
});

it("reports the faults of all files together", async () => {
  await write("a.json", '{"id": "a",\n"name": "A",\n"llm_provider": "opneai",\n"llm_config": {"temperature": 2.1}}');
  await write("b.json", '{"id": "b"\n"name": "B"}');
  await write("c.json", '{"id": "c", "name": "C"}');
  await write("d.json", Buffer.from('{"id": "d",\n\n"name": "J\u00fcrgen"}', "latin1"));
  await mkdir(join(folder, "e.json"));
  await symlink("nowhere", join(folder, "f.json"));
  await write("g.json", '{"id": "c",\n"name": "G"}');
  expect(await faults()).toEqual([
    'a.json:3 llm_provider: got "opneai"; expected one of openai, grok, fake; did you mean "openai"?',
    "a.json:4 llm_config.temperature: got 2.1; expected a number from 0 to 2",
    "b.json:2: got a string; expected a comma before it",
    "d.json:3: got bytes that are not UTF-8; expected a file saved as UTF-8",
    "e.json: got a folder; expected a file that can be read",
    "f.json: got nothing: it does not exist; expected a file that can be read",
    'g.json id: got "c", which c.json has too; expected an id of its own',
  ]);
});

it("names the file before when three files have one id", async () => {
  for (const name of ["a.json", "b.json", "c.json"]) await write(name, '{"id": "x", "name": "X"}');
  expect(await faults()).toEqual([
    'b.json id: got "x", which a.json has too; expected an id of its own',
    'c.json id: got "x", which a.json has too; expected an id of its own',
  ]);
});

describe("a folder that", () => {
  it("is empty", async () => {
    await write("agents.txt", "");
    expect(await faults()).toEqual([
      'FOLDER: got no *.json file in this folder; expected at least one, e.g. ada.json with {"id": "ada", "name": "Ada"}',
    ]);
  });

  it("does not exist", async () => {
    await expect(loadAgents("no/such/folder", OPTIONS)).rejects.toThrow(
      'no/such/folder: got nothing: it does not exist; expected a folder with one *.json file for each agent, such as {"id": "ada", "name": "Ada"}',
    );
  });

  it("is a file", async () => {
    await write("ada.json", '{"id": "ada", "name": "Ada"}');
    await expect(loadAgents(join(folder, "ada.json"), OPTIONS)).rejects.toThrow("got a file; expected a folder with");
  });
});

it("says which agents there are when one is unknown", () => {
  expect(expectedAgent("aad", ["ada", "orbit"])).toBe('the id of an agent: one of ada, orbit; did you mean "ada"?');
  expect(expectedAgent("zebra", ["ada"])).toBe("the id of an agent: ada");
  expect(expectedAgent("ada", [])).toBe("the id of an agent: nothing: there is none");
  const many = Array.from({ length: 30 }, (_, index) => `agent-${index}`);
  expect(expectedAgent("agent_29", many)).toMatch(/agent-23 and 6 more; did you mean "agent-29"\?$/);
});
