import { describe, expect, it } from "vitest";
import { parseJobInput } from "../../../src/job/generation-job.ts";
import { openApi, schemaCompiler, type OpenApiDocument, type Operation } from "./api-client.ts";
import { openMonitor } from "./open-monitor.ts";

/** Nothing is written, nor read. */
async function readDocument(): Promise<OpenApiDocument> {
  await using monitor = await openMonitor({ namespace: "api-document" });
  return (await openApi(monitor)).document;
}

const document = await readDocument();

interface Entry extends Operation {
  readonly line: string;
}

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): Entry => ({
    ...operation,
    line: `${method.toUpperCase()} ${path}`,
  })),
);

describe("the OpenAPI document", () => {
  it("is of 3.1, and about all routes", () => {
    expect(document).toMatchObject({ openapi: "3.1.0", info: { title: "Puppet Engine", version: "1" } });
    expect(operations.length).toBeGreaterThan(20);
  });

  it.each(operations)("says of $line what it is, who may, and what it may answer", (operation) => {
    const { line, summary, description, operationId, tags, security, responses, parameters = [] } = operation;
    for (const text of [summary, description, operationId]) expect(text).toMatch(/\S/);
    expect(document.tags.map(({ name }) => name)).toEqual(expect.arrayContaining([...tags]));
    expect(tags).toHaveLength(1);
    const mayLook = line.startsWith("GET ");
    expect(security).toEqual([...(mayLook ? [{ token: ["viewer"] }] : []), { token: ["operator"] }]);
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(["400", "401", "403", "421", "429", "500", "503"]));
    expect(Object.keys(responses).some((status) => status.startsWith("2"))).toBe(true);
    const inPath = [...line.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(parameters.filter(({ in: place }) => place === "path").map(({ name }) => name)).toEqual(inPath);
    const mayBeUnknown = (inPath.length > 0 && operationId !== "beginRun") || operationId === "enqueueJobs";
    expect(Object.keys(responses).includes("404")).toBe(mayBeUnknown);
    expect(Object.keys(responses).includes("415")).toBe(!mayLook);
  });

  it("has every operation id once", () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("has valid schemas, whose references lead somewhere and whose examples are as they say", () => {
    const compile = schemaCompiler(document);
    const schemas = [
      ...Object.values(document.components.schemas),
      ...operations.flatMap(({ responses }) =>
        Object.values(responses).flatMap(({ content }) => Object.values(content).map(({ schema }) => schema)),
      ),
      ...operations.flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}).map(({ schema }) => schema)),
    ];
    const examples = schemas.flatMap((schema) => {
      const validate = compile(schema);
      const given = ((schema as { examples?: readonly unknown[] }).examples ?? []).map((example) => ({
        example,
        validate,
      }));
      return given;
    });
    expect(examples.length).toBeGreaterThan(4);
    const wrong = examples.filter(({ example, validate }) => !validate(example)).map(({ example }) => example);
    expect(wrong).toEqual([]);
  });
});

describe("the document's JobInput", () => {
  const validate = schemaCompiler(document)({ $ref: "#/components/schemas/JobInput" });
  const GOOD: readonly unknown[] = [
    { kind: "tweet", agent: "ada" },
    {
      kind: "tweet",
      agent: "ada",
      id: "a-1",
      urgency: "bulk",
      deadline: "2026-12-01T00:00:00Z",
      context: { a: [1, {}] },
    },
    { kind: "tweet", agent: "ada", id: 7, deadline: 1_800_000_000_000, delivery: "batch", cache: true },
    { kind: "reply", agent: "ada", mention: "Why?", conversation_history: "So?" },
    { kind: "reply", agent: "ada", mention: "Why?", conversation_history: ["So?", { author: null, text: "No." }] },
    { kind: "quote", agent: "ada", quoted: "Rain.", author: null },
    { kind: "thread", agent: "ada", posts: 25 },
    { kind: "content", prompt: "A haiku." },
  ];
  const BAD: readonly unknown[] = [
    null,
    [],
    "tweet",
    {},
    { kind: "poem", agent: "ada" },
    { kind: "tweet" },
    { kind: "tweet", agent: "a b" },
    { kind: "tweet", agent: "ada", mention: "Why?" },
    { kind: "tweet", agent: "ada", id: "a b" },
    { kind: "tweet", agent: "ada", id: 1.5 },
    { kind: "tweet", agent: "ada", urgency: "soon" },
    { kind: "tweet", agent: "ada", deadline: true },
    { kind: "tweet", agent: "ada", delivery: "post" },
    { kind: "tweet", agent: "ada", cache: "yes" },
    { kind: "tweet", agent: "ada", context: [] },
    { kind: "reply", agent: "ada" },
    { kind: "reply", agent: "ada", mention: "Why?", conversation_history: [{ author: "a" }] },
    { kind: "reply", agent: "ada", mention: "Why?", conversation_history: [{ text: "a", at: 1 }] },
    { kind: "quote", agent: "ada", quoted: 1 },
    { kind: "thread", agent: "ada", posts: 1 },
    { kind: "thread", agent: "ada", posts: 26 },
    { kind: "content", prompt: 5 },
  ];
  const accepts = (job: unknown): boolean => {
    try {
      return parseJobInput(job) !== null;
    } catch {
      return false;
    }
  };

  it.each(GOOD)("takes %j, as a producer does", (job) => {
    expect({ document: validate(job), producer: accepts(job) }).toEqual({ document: true, producer: true });
  });

  it.each(BAD)("refuses %j, as a producer does", (job) => {
    expect({ document: validate(job), producer: accepts(job) }).toEqual({ document: false, producer: false });
  });
});
