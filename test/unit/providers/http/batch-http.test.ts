import { Agent } from "undici";
import { expect, it } from "vitest";
import { createBatchHttp, type BatchHttp } from "../../../../src/providers/http/batch-http.ts";
import { drip, hang } from "../../../support/misbehaving-answers.ts";
import { startRecordedServer, type Answer } from "../../../support/recorded-server.ts";

const never = new AbortController().signal;

async function withHttp(answer: Answer, work: (http: BatchHttp) => Promise<void>): Promise<void> {
  await using server = await startRecordedServer(answer);
  const dispatcher = new Agent();
  const facts = { id: "openai", headers: {}, now: Date.now, dispatcher };
  await work(createBatchHttp({ ...facts, baseUrl: server.baseUrl, patienceMs: { call: 100, file: 100 } }));
  await server.close();
  await dispatcher.destroy();
}

async function linesOf(http: BatchHttp): Promise<string[]> {
  const lines: string[] = [];
  for await (const { text } of http.lines("/file", never)) lines.push(text);
  return lines;
}

it.each([
  ["before it answers", hang],
  ["while it does", drip],
])("gives up on a vendor that takes too long %s", async (_, answer) => {
  await withHttp(answer, async (http) => {
    const late = { kind: "timeout", sent: "unknown", message: "no complete answer within 0.1 s" };
    await expect(http.get("/batches", never)).rejects.toMatchObject(late);
    await expect(http.post("/batches", {}, never)).rejects.toMatchObject(late);
    await expect(linesOf(http)).rejects.toMatchObject(late);
  });
});

it("puts lines together that come in pieces, wherever they are cut", async () => {
  const bytes = Buffer.from("ä first line\n\r\nthe 🌊 second\nthe last");
  const answer: Answer = async (_, response) => {
    response.writeHead(200);
    for (const byte of bytes) await new Promise((resolve) => response.write(Buffer.from([byte]), resolve));
    response.end();
  };
  await withHttp(answer, async (http) => {
    expect(await linesOf(http)).toEqual(["ä first line", "the 🌊 second", "the last"]);
  });
});
