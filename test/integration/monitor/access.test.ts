import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { networkOf } from "../../../src/monitor/access/addresses.ts";
import { composeMonitor } from "../../../src/compose-monitor.ts";
import { InvalidInputError } from "../../../src/platform/problem.ts";
import { startSystem } from "../../support/generation-system.ts";
import { testNamespace, testRedisUrl } from "../../support/redis.ts";
import { boardPath, monitorParts, openMonitor, type Answer, type Sending } from "./open-monitor.ts";

const LANE = "openai~gpt-6-luna";
const TOKEN = "correct horse battery staple";
const VIEWER_TOKEN = "who only looks";

describe("an address", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "::ffff:192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:db8::9", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ])("%s is counted as %s", (address, counted) => expect(networkOf(address)).toBe(counted));
});

describe("a request's Host", () => {
  const CASES: readonly [host: string, status: number][] = [
    ["127.0.0.1", 200],
    ["127.0.0.1:3700", 200],
    ["localhost:1", 200],
    ["LocalHost:3700", 200],
    ["[::1]", 200],
    ["[::1]:3700", 200],
    ["board.example", 200],
    ["BOARD.example:443", 200],
    ["[FD00::5]:3700", 200],
    ["evil.example", 421],
    ["evil.example:3700", 421],
    ["localhost.evil.example", 421],
    ["127.0.0.1.evil.example:3700", 421],
    ["evil.example:127.0.0.1", 421],
    ["[fd00::6]:3700", 421],
    ["[::1].evil.example", 421],
  ];

  it.each(CASES)("%j is answered with %i", async (host, status) => {
    // As people write them in MONITOR_ALLOWED_HOSTS.
    await using monitor = await openMonitor({
      namespace: testNamespace(),
      allowedHosts: ["board.example", "fd00::5"],
    });
    for (const path of ["/board", "/metrics"]) {
      const answer = await monitor.send(path, { headers: { host } });
      expect(answer.status, path).toBe(status);
      if (status === 421) expect(answer.text).toContain("MONITOR_ALLOWED_HOSTS");
    }
    expect((await monitor.send("/healthz", { headers: { host } })).status, "probes go by address").toBe(200);
  });
});

describe("a write", () => {
  const CASES: readonly [name: string, headers: (url: URL) => Record<string, string>, status: number][] = [
    ["of a program", () => ({}), 200],
    ["of our page", ({ origin }) => ({ origin, "sec-fetch-site": "same-origin" }), 200],
    ["of our page in an older browser", ({ origin }) => ({ origin }), 200],
    ["of our page by another name", () => ({ host: "LocalHost:3700", origin: "http://localhost:3700" }), 200],
    ["that a person typed", () => ({ "sec-fetch-site": "none" }), 200],
    ["of another site", () => ({ origin: "http://evil.example", "sec-fetch-site": "cross-site" }), 403],
    ["of another site in an older browser", () => ({ origin: "http://evil.example" }), 403],
    ["of another port", ({ protocol, hostname }) => ({ origin: `${protocol}//${hostname}:1` }), 403],
    ["of a sandboxed frame", () => ({ origin: "null" }), 403],
    ["that says two things", ({ origin }) => ({ origin, "sec-fetch-site": "cross-site" }), 403],
    ["of another host of the same site", ({ origin }) => ({ origin, "sec-fetch-site": "same-site" }), 403],
  ];

  it.each(CASES)("%s is answered as it should be", async (_, headersOf, status) => {
    await using system = await startSystem();
    await using monitor = await openMonitor(system);
    const headers = headersOf(new URL(monitor.url));
    const answer = await monitor.send(`${boardPath(LANE)}/pause`, { method: "PUT", headers });
    expect(answer.status).toBe(status);
    expect(await system.lane(LANE).isPaused()).toBe(status === 200);
    const isEmbedded = (headers["sec-fetch-site"] ?? "").endsWith("site");
    const error = isEmbedded ? "requests of other sites are refused" : "writes from other sites are refused";
    if (status === 403) expect(JSON.parse(answer.text)).toEqual({ error });
    // A picture on another site's page would have us work; a link to us is fine.
    expect((await monitor.send("/board", { headers })).status).toBe(isEmbedded ? 403 : 200);
    const link = { ...headers, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
    expect((await monitor.send("/board", { headers: link })).status).toBe(200);
  });
});

describe("the token", () => {
  const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;
  const CASES: readonly [name: string, authorization: string | undefined, status: number][] = [
    ["nothing", undefined, 401],
    ["Bearer and the token", `Bearer ${TOKEN}`, 200],
    ["bearer in lower case", `bearer ${TOKEN}`, 200],
    ["the viewers' token", `Bearer ${VIEWER_TOKEN}`, 200],
    ["Basic, any user and the token", basic(`anybody:${TOKEN}`), 200],
    ["Basic, no user and the token", basic(`:${TOKEN}`), 200],
    ["Basic, the token as the user", basic(`${TOKEN}:`), 401],
    ["Basic, the token alone", basic(TOKEN), 401],
    ["a wrong token of the same length", `Bearer ${"x".repeat(TOKEN.length)}`, 401],
    ["a shorter one", "Bearer x", 401],
    ["a longer one", `Bearer ${TOKEN}${"x".repeat(4000)}`, 401],
    ["its beginning", `Bearer ${TOKEN.slice(0, -1)}`, 401],
    ["an empty one", "Bearer ", 401],
    ["a scheme alone", "Bearer", 401],
    ["another scheme", `Digest ${TOKEN}`, 401],
    ["Basic and no base64", "Basic %%%", 401],
    ["the token without a scheme", TOKEN, 401],
  ];

  it.each(CASES)("%s", async (_, authorization, status) => {
    await using monitor = await openMonitor({
      namespace: testNamespace(),
      token: TOKEN,
      viewerToken: VIEWER_TOKEN,
    });
    const headers = authorization === undefined ? {} : { authorization };
    for (const path of ["/", "/board", "/board/api/queues", "/board/static/favicon.ico", "/metrics", "/nothing"]) {
      const answer = await monitor.send(path, { headers });
      if (status === 401) expectChallenge(answer);
      else expect(answer.status, path).not.toBe(401);
    }
    for (const path of ["/healthz", "/readyz", "/login"]) expect((await monitor.send(path)).status, path).not.toBe(401);
  });

  it("that is empty (a secret's file without content) lets nobody in", async () => {
    await using monitor = await openMonitor({ namespace: testNamespace(), token: "" });
    for (const authorization of ["Bearer ", "Bearer", basic(":"), basic("")])
      expect((await monitor.send("/board", { headers: { authorization } })).status).toBe(401);
  });

  it("cannot be guessed: after ten wrong ones a minute the right one is not looked at either", async () => {
    await using monitor = await openMonitor({ namespace: testNamespace(), token: TOKEN });
    const send = async (token: string): Promise<Answer> =>
      await monitor.send("/metrics", { headers: { authorization: `Bearer ${token}` } });
    expect((await send(TOKEN)).status).toBe(200);
    for (let guess = 0; guess < 10; guess++) expect((await send(`guess ${guess}`)).status).toBe(401);
    const refused = await send(TOKEN);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect(refused.text).toMatch(/^\{"error":"too many wrong tokens from this address; try again in \d+ s"\}$/);
    expect((await monitor.send("/healthz")).status, "probes need none").toBe(200);
  });

  it("cannot be guessed with requests that come at once on one connection either", async () => {
    await using monitor = await openMonitor({ namespace: testNamespace(), token: TOKEN });
    const { hostname, port } = new URL(monitor.url);
    const requestOf = (token: string, more = ""): string =>
      `GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n${more}\r\n`;
    const guesses = Array.from({ length: 100 }, (_, index) => requestOf(`guess ${index}`));
    const socket = connect(Number(port), hostname);
    socket.end([...guesses, requestOf(TOKEN, "Connection: close\r\n")].join(""));
    const statuses = [...(await text(socket)).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    expect(statuses).toEqual([...Array<string>(10).fill("401"), ...Array<string>(91).fill("429")]);
  });

  function expectChallenge({ status, headers, text }: Answer): void {
    expect(status).toBe(401);
    expect(headers["www-authenticate"]).toBe('Bearer realm="Puppet Engine monitor"');
    expect(JSON.parse(text)).toEqual({ error: "a token is needed" });
  }
});

describe("a viewer", () => {
  it.each(["viewers' token", "operators' token of a read-only monitor", "read-only monitor without a token"])(
    "(%s) sees everything and changes nothing",
    async (who) => {
      await using system = await startSystem();
      const isOpen = who.endsWith("without a token");
      await using monitor = await openMonitor({
        namespace: system.namespace,
        ...(isOpen ? {} : { token: TOKEN, viewerToken: VIEWER_TOKEN }),
        readOnly: !who.startsWith("viewers"),
      });
      const token = who.startsWith("viewers") ? VIEWER_TOKEN : TOKEN;
      const headers: Record<string, string> = isOpen ? {} : { authorization: `Bearer ${token}` };
      for (const path of ["/", "/board/api/queues", "/metrics"])
        expect((await monitor.send(path, { headers })).status, path).toBe(200);
      for (const [method, path] of [
        ["PUT", `${boardPath(LANE)}/pause`],
        ["POST", "/pause"],
        ["DELETE", "/nothing"],
      ] as const) {
        const answer = await monitor.send(path, { method, headers });
        expect(answer.status, path).toBe(403);
        expect(answer.text).toContain(
          who.startsWith("viewers") ? "viewers change nothing; MONITOR_TOKEN does" : "this monitor is read-only",
        );
      }
      expect(await system.lane(LANE).isPaused()).toBe(false);
    },
  );
});

describe("every answer", () => {
  const CASES: readonly [path: string, status: number, sending?: Sending][] = [
    ["/", 200],
    ["/login", 303],
    ["/assets/any/monitor.css", 200],
    ["/board", 200],
    ["/board/", 200],
    ["/board/queue/any/thing", 200],
    ["/board/static/favicon.ico", 200],
    ["/board/static/locales/en-US/messages.json", 200],
    ["/board/api/queues", 200],
    ["/board/api/queues?page=0", 400],
    ["/board/api/queues/none/j_1", 404],
    ["/board/static/nothing.js", 404],
    ["/board/static/../../package.json", 403],
    ["/board/nothing", 404, { method: "POST" }],
    ["/pause", 403, { method: "POST", headers: { origin: "http://evil.example" } }],
    ["/nothing", 404],
    ["/%zz", 400],
    ["/healthz", 200],
    ["/readyz", 503],
    ["/metrics", 200],
    ["/metrics", 405, { method: "POST" }],
    ["/metrics", 403, { method: "POST", headers: { origin: "http://evil.example" } }],
    ["/board", 421, { headers: { host: "evil.example" } }],
  ];

  it.each(CASES)(
    "to %s (%i) forbids framing, foreign content, sniffing and referrers",
    async (path, status, sending) => {
      await using monitor = await openMonitor({ namespace: testNamespace() });
      expectGuarded(await monitor.send(path, sending), status);
    },
  );

  it("to a request without the token does, too", async () => {
    await using monitor = await openMonitor({ namespace: testNamespace(), token: TOKEN });
    expectGuarded(await monitor.send("/board"), 401);
  });

  function expectGuarded({ status, headers, text }: Answer, expected: number): void {
    expect(status, text).toBe(expected);
    expect(headers).toMatchObject({
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
    const policy = headers["content-security-policy"] ?? "";
    expect(policy).toMatch(/default-src '(?:self|none)'/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src[^;]*unsafe/);
    expect(headers["access-control-allow-origin"]).toBeUndefined();
    expect(headers["strict-transport-security"]).toBeUndefined();
  }
});

describe("the monitor refuses to start", () => {
  const start = async (host: string, port: number, operator: string | null = null) =>
    await composeMonitor({
      ...monitorParts(testNamespace(), { host, port, tokens: { operator, viewer: null }, allowedHosts: [] }),
      address: { url: testRedisUrl() },
      readOnly: false,
    });

  it.each(["0.0.0.0", "::", "192.0.2.1", "board.example"])("on %s without a token", async (host) => {
    const error = await start(host, 0).then(
      async (monitor) => {
        await monitor[Symbol.asyncDispose]();
        return null;
      },
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(InvalidInputError);
    expect((error as Error).message).toBe(
      `environment MONITOR_HOST: got ${host} without a token; expected 127.0.0.1, or MONITOR_TOKEN set as well`,
    );
  });

  it("at a port that is taken", async () => {
    await using first = await openMonitor({ namespace: testNamespace() });
    const port = Number(new URL(first.url).port);
    await expect(start("127.0.0.1", port)).rejects.toThrow(
      `environment MONITOR_HOST and MONITOR_PORT: got 127.0.0.1:${port} (EADDRINUSE); expected an address of this machine that is free`,
    );
  });

  it("at an address that is not this machine's", async () => {
    await expect(start("192.0.2.1", 3700, TOKEN)).rejects.toThrow("got 192.0.2.1:3700 (EADDRNOTAVAIL)");
  });
});
