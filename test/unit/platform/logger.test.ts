import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { LoggerOptions } from "../../../src/platform/logger.ts";

const LOGGER = join(import.meta.dirname, "../../../src/platform/logger.ts");
const KEY = "sk-proj-abcdefghijklmnop1234567890";

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** What a process writes that runs `code` with `logger`: the logger writes to the file descriptor itself. */
async function outputOf(
  code: string,
  { level = "info", format = "json" }: Partial<LoggerOptions> = {},
): Promise<Output> {
  const options = JSON.stringify({ level, format });
  const program = `import { createLogger } from ${JSON.stringify(LOGGER)};
    const logger = createLogger(${options});
    ${code}`;
  return await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
}

async function linesOf(code: string, options?: Partial<LoggerOptions>): Promise<Record<string, unknown>[]> {
  const { stderr } = await outputOf(code, options);
  const lines = stderr.split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("a log line", () => {
  it("is a JSON object on standard error: standard output belongs to results", async () => {
    const { stdout, stderr } = await outputOf('logger.warn({ jobId: "row-1", durationMs: 5 }, "attempt failed");');
    expect(stdout).toBe("");
    expect(JSON.parse(stderr)).toEqual({
      level: 40,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown,
      jobId: "row-1",
      durationMs: 5,
      msg: "attempt failed",
    });
  });

  it("is written from its level on", async () => {
    const all = 'for (const level of ["trace", "debug", "info", "warn", "error", "fatal"]) logger[level](level);';
    const messages = async (level: LoggerOptions["level"]): Promise<unknown[]> =>
      (await linesOf(all, { level })).map(({ msg }) => msg);
    expect(await messages("trace")).toEqual(["trace", "debug", "info", "warn", "error", "fatal"]);
    expect(await messages("warn")).toEqual(["warn", "error", "fatal"]);
    expect(await messages("silent")).toEqual([]);
  });

  it("is for people on a terminal", async () => {
    const { stderr } = await outputOf('logger.info({ lane: "l" }, "serving lane");', { format: "pretty" });
    expect(stderr).toContain("serving lane");
    expect(stderr).toContain("lane");
    expect(stderr).not.toMatch(/^\{/);
  });

  it("tells of an error what it is, where, and why", async () => {
    const [line] = await linesOf(`
      const cause = Object.assign(new TypeError("inner"), { code: "ECONNRESET" });
      logger.error({ jobId: "a", err: new Error("outer", { cause }) }, "unexpected");`);
    expect(line).toMatchObject({
      jobId: "a",
      msg: "unexpected",
      err: { type: "Error", message: "outer", cause: { type: "TypeError", message: "inner", code: "ECONNRESET" } },
    });
    expect(line).toHaveProperty("err.stack", expect.stringMatching(/^Error: outer\n\s+at /));
  });

  it("has the error's message when it has none of its own", async () => {
    const lines = await linesOf('logger.error(new Error("one")); logger.error({ err: new Error("two") });');
    expect(lines).toMatchObject([
      { msg: "one", err: { message: "one" } },
      { msg: "two", err: { message: "two" } },
    ]);
  });

  it("survives anything that is logged", async () => {
    const [line] = await linesOf(`
      const self = { name: "loop" };
      self.self = self;
      logger.info({ self, big: 10n, map: new Map([["a", 1]]), list: [undefined, () => 1, Symbol("s")], date: new Date(0) }, "odd");
    `);
    expect(line).toMatchObject({ msg: "odd", big: "10", map: "[Map]", date: "1970-01-01T00:00:00.000Z" });
    expect(JSON.stringify(line)).toContain("[nested too deeply]");
  });
});

describe("secrets and what people wrote never appear", () => {
  const SECRET_NAMES = [
    "apiKey",
    "api_key",
    "OPENAI_API_KEY",
    "x-api-key",
    "authorization",
    "Authorization",
    "password",
    "redisPassword",
    "accessToken",
    "token",
    "secret",
    "clientSecret",
    "cookie",
    "credentials",
  ];
  const TEXT_NAMES = [
    "prompt",
    "systemPrompt",
    "system_prompt",
    "messages",
    "mention",
    "conversationHistory",
    "conversation_history",
    "context",
    "text",
    "content",
  ];

  it.each(["json", "pretty"] as const)("under their names, however deep (%s)", async (format) => {
    const names = JSON.stringify([...SECRET_NAMES, ...TEXT_NAMES]);
    const { stderr } = await outputOf(
      `for (const name of ${names}) {
        const secret = { [name]: "canary", deep: { [name]: { inside: ["canary"] } } };
        logger.info({ ...secret, list: [secret, [secret]], a: { b: { c: secret } }, fine: name });
        logger.info(secret, "with a message");
        logger.info([secret], "in a list");
        logger.info("formatted %o %j %s", secret, { a: secret }, "fine");
      }`,
      { format },
    );
    expect(stderr).not.toContain("canary");
    expect(stderr.match(/with a message/g)).toHaveLength(SECRET_NAMES.length + TEXT_NAMES.length);
    expect(stderr).toContain("systemPrompt");
  });

  it.each(["json", "pretty"] as const)("in errors and their causes (%s)", async (format) => {
    const { stderr } = await outputOf(
      `const facts = { command: { name: "auth", args: ["canary"] }, config: { headers: { authorization: "canary" } }, request: "canary" };
      const cause = Object.assign(new Error("inner"), facts);
      const error = Object.assign(new AggregateError([cause], "outer", { cause }), facts);
      logger.error(error);
      logger.error(error, "alone");
      logger.error({ err: error }, "as err");
      logger.error({ reason: error, list: [error] }, "elsewhere");
      logger.error("formatted %o", error);`,
      { format },
    );
    expect(stderr).not.toContain("canary");
    expect(stderr).toContain("inner");
  });

  it.each(["json", "pretty"] as const)("inside objects of any class (%s)", async (format) => {
    const { stderr } = await outputOf(
      `class Job { data = { prompt: "canary" }; toJSON() { return { canary: 1 }; } }
      logger.info({ job: new Job(), map: new Map([["a", "canary"]]), set: new Set(["canary"]), url: new URL("redis://u:canary@h"), buffer: Buffer.from("canary") });`,
      { format },
    );
    expect(stderr).not.toMatch(/canary|99,\s*97,\s*110/);
    expect(stderr).toContain("[Job]");
  });

  it.each(["json", "pretty"] as const)("in any text, when they look like keys (%s)", async (format) => {
    const { stderr } = await outputOf(
      `const key = ${JSON.stringify(KEY)};
      const error = new Error("Incorrect API key provided: " + key, { cause: new Error(key) });
      logger.info("message with " + key);
      logger.info({ reason: key, [key]: 1, list: [key, { deep: "x " + key + " y" }] }, "fields");
      logger.info("formatted %s", key);
      logger.error({ err: error }, "error");
      logger.error(error);
      logger.info("Authorization: Bearer abcdefghijklmnop and xai-abcdefghijklmnop1234");`,
      { format },
    );
    expect(stderr).not.toContain("abcdefghijklmnop");
    expect(stderr).toContain("[key]");
  });

  it("in addresses with a user or password", async () => {
    const [line] = await linesOf(
      'logger.info({ address: "rediss://user:canary@redis.example:6380/2" }, "at https://canary@h");',
    );
    expect(line).toMatchObject({ address: "rediss://***@redis.example:6380/2", msg: "at https://***@h" });
  });

  it("but numbers of tokens do, and names of fields that only resemble secrets", async () => {
    const fields = { inputTokens: 1, outputTokens: 2, tokens: 3, request: "generate", contextTokens: 4, textLength: 5 };
    const [line] = await linesOf(`logger.info(${JSON.stringify(fields)});`);
    expect(line).toMatchObject(fields);
  });
});

describe("a terminal shows what is there", () => {
  const odd = JSON.stringify("a\u202eb\u2066c\u001b[31md\u009be \\u001b f");
  const shown = "a\\u202eb\\u2066c\\u001b[31md\\u009be \\u001b f";

  it("bidi and control characters are escaped in JSON", async () => {
    const [line] = await linesOf(`logger.info({ reason: ${odd} }, ${odd});`);
    expect(line).toMatchObject({ reason: shown, msg: shown });
  });

  it("and for people", async () => {
    const { stderr } = await outputOf(`logger.info({ reason: ${odd} }, ${odd});`, { format: "pretty" });
    expect(stderr.split(shown)).toHaveLength(3);
    expect(stderr).not.toMatch(/[\u202e\u2066\u009b]/);
    // eslint-disable-next-line no-control-regex -- the colours of the terminal are fine
    expect(stderr.replace(/\u001b\[\d+m/g, "")).not.toContain("\u001b");
  });

  it("line breaks, tabs and other scripts stay as they are", async () => {
    const text = "one\ntwo\tthree «مرحبا» 👩‍👩‍👧 \\n";
    const [line] = await linesOf(`logger.info(${JSON.stringify(text)});`);
    expect(line).toMatchObject({ msg: text });
  });
});
