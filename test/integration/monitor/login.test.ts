import { describe, expect, it } from "vitest";
import { SESSION_MS, createSessions } from "../../../src/monitor/access/session.ts";
import { startSystem } from "../../support/generation-system.ts";
import { testNamespace } from "../../support/redis.ts";
import { openMonitor, type Answer, type TestMonitor } from "./open-monitor.ts";

const TOKEN = "correct horse battery staple";
const VIEWER_TOKEN = "who only looks";
const OURS = { "sec-fetch-site": "same-origin" };
const ALL = { all: "yes" };
const PAGE = { accept: "text/html,application/xhtml+xml" };

const open = async (namespace = testNamespace()): Promise<TestMonitor> =>
  await openMonitor({ namespace, token: TOKEN, viewerToken: VIEWER_TOKEN });

/** A form, as a browser sends it. */
async function submit(
  monitor: TestMonitor,
  path: string,
  { fields = {}, headers = OURS }: { fields?: Record<string, string>; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return await monitor.send(path, { method: "POST", headers, form: fields });
}

const cookieOf = ({ headers }: Answer): string => (headers["set-cookie"]?.[0] ?? "").replace(/;.*/, "");

describe("logging in", () => {
  it("sends people who bring nothing to a page that asks, and then to where they wanted to go", async () => {
    await using monitor = await open();
    const first = await monitor.send("/results?agent=ada", { headers: PAGE });
    expect(first.status).toBe(303);
    expect(first.headers.location).toBe("/login?next=%2Fresults%3Fagent%3Dada");
    const page = await monitor.send(first.headers.location ?? "");
    expect(page.text).toContain('name="next" value="/results?agent=ada"');

    const answer = await submit(monitor, "/login", { fields: { token: TOKEN, next: "/results?agent=ada" } });
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe("/results?agent=ada");
    expect(answer.headers["set-cookie"]?.[0]).toMatch(
      /^puppet_session=operator\.\d+\.[\w-]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    expect((await monitor.send("/", { headers: { cookie: cookieOf(answer) } })).status).toBe(200);
  });

  it.each(["//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", "/a\nb", ""])(
    "never leads to %j",
    async (next) => {
      await using monitor = await open();
      const answer = await submit(monitor, "/login", { fields: { token: TOKEN, next } });
      expect(answer.headers.location).toBe("/");
    },
  );

  it("refuses a wrong token with a page that says so, ten times a minute; then none is looked at", async () => {
    await using monitor = await open();
    for (let guess = 0; guess < 10; guess++) {
      const answer = await submit(monitor, "/login", { fields: { token: `guess ${guess}` } });
      expect(answer.status).toBe(401);
      expect(answer.headers["set-cookie"]).toBeUndefined();
      expect(answer.text).toContain("That is not the token.");
    }
    const refused = await submit(monitor, "/login", { fields: { token: TOKEN } });
    expect(refused.status).toBe(429);
    expect(refused.text).toMatch(/More than 10 wrong tokens a minute: try again in \d+ s\./);
  });

  it("ends with logging out", async () => {
    await using monitor = await open();
    const answer = await submit(monitor, "/logout");
    expect(answer.headers["set-cookie"]?.[0]).toMatch(/^puppet_session=; .*Expires=Thu, 01 Jan 1970/);
    expect(answer.headers.location).toBe("/login");
  });
});

describe("a session", () => {
  it("may write only when our own page asks: a cookie comes by itself", async () => {
    await using system = await startSystem();
    await using monitor = await open(system.namespace);
    const cookie = cookieOf(await submit(monitor, "/login", { fields: { token: TOKEN } }));
    const { origin, host } = new URL(monitor.url);
    const CASES: readonly [headers: Record<string, string>, status: number][] = [
      [{}, 403],
      [{ "sec-fetch-site": "cross-site" }, 403],
      [{ "sec-fetch-site": "same-site" }, 403],
      [{ origin: "null" }, 403],
      [{ origin: "http://evil.example" }, 403],
      [{ origin: `http://evil.${host}` }, 403],
      [{ origin }, 303],
      [OURS, 303],
      [{ ...OURS, origin: "null" }, 303],
    ];
    for (const [headers, status] of CASES) {
      const answer = await submit(monitor, "/pause", { fields: ALL, headers: { ...headers, cookie } });
      expect({ headers, status: answer.status }).toEqual({ headers, status });
      await submit(monitor, "/resume", { fields: ALL, headers: { authorization: `Bearer ${TOKEN}` } });
    }
  });

  it("of a viewer changes nothing", async () => {
    await using monitor = await open();
    const cookie = cookieOf(await submit(monitor, "/login", { fields: { token: VIEWER_TOKEN } }));
    expect((await monitor.send("/", { headers: { cookie } })).text).toContain(">viewer</span>");
    expect((await submit(monitor, "/pause", { headers: { ...OURS, cookie } })).status).toBe(403);
  });

  it.each([
    ["made up", "operator.9999999999999.AAAA"],
    ["empty", ""],
    ["of another role, with its signature", null],
  ])("that is %s lets nobody in", async (_, value) => {
    await using monitor = await open();
    const viewer = cookieOf(await submit(monitor, "/login", { fields: { token: VIEWER_TOKEN } }));
    const cookie = value === null ? viewer.replace("=viewer.", "=operator.") : `puppet_session=${value}`;
    expect((await monitor.send("/metrics", { headers: { cookie } })).status).toBe(401);
  });

  it("of a viewer tells nothing of the operators' token: it is not signed with it", () => {
    const clock = { now: () => 1_800_000_000_000 };
    const valueOf = (operator: string): string =>
      createSessions({ operator, viewer: VIEWER_TOKEN }, clock).open("viewer");
    expect(valueOf("one token")).toBe(valueOf("another token"));
  });

  it("is sent over TLS only when it began there", async () => {
    await using monitor = await openMonitor({
      namespace: testNamespace(),
      token: TOKEN,
      allowedHosts: ["board.example"],
    });
    const headers = { host: "board.example", origin: "https://board.example" };
    const answer = await submit(monitor, "/login", { fields: { token: TOKEN }, headers });
    expect(answer.headers["set-cookie"]?.[0]).toMatch(/; HttpOnly; Secure; SameSite=Strict$/);
  });

  it("is over after twelve hours, and when its token changes", () => {
    let now = 1_800_000_000_000;
    const clock = { now: () => now };
    const sessions = createSessions({ operator: TOKEN, viewer: null }, clock);
    const value = sessions.open("operator");
    expect(sessions.read(value)).toBe("operator");
    expect(createSessions({ operator: "another", viewer: null }, clock).read(value)).toBeNull();
    expect(createSessions({ operator: TOKEN, viewer: "new" }, clock).read(value), "of the other role").toBe("operator");
    expect(createSessions({ operator: null, viewer: "new" }, clock).read(value)).toBeNull();
    now += SESSION_MS - 1;
    expect(sessions.read(value)).toBe("operator");
    now += 1;
    expect(sessions.read(value)).toBeNull();
  });
});
