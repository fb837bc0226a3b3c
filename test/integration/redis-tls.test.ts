import { connect } from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { whyUnreachable } from "../../src/platform/redis-faults.ts";
import { createAuthority, type Authority, type Certificate } from "../support/certificates.ts";
import { openCliSession } from "../support/cli-session.ts";
import { freePort } from "../support/free-port.ts";
import { startLocalRedis, type LocalRedis } from "../support/redis-server.ts";

let authority: Authority;
let client: Certificate;
let redis: LocalRedis;
let port: number;

beforeAll(async () => {
  authority = await createAuthority();
  const server = await authority.issue("server", "DNS:localhost");
  client = await authority.issue("client", "DNS:client");
  port = await freePort();
  const files = ["--tls-cert-file", server.cert, "--tls-key-file", server.key, "--tls-ca-cert-file", authority.cert];
  redis = await startLocalRedis(["--tls-port", String(port), ...files]);
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
  await authority[Symbol.asyncDispose]();
});

it("a worker, a producer and their jobs work over TLS, and show who they are", async () => {
  const env = {
    REDIS_URL: `rediss://localhost:${port}`,
    REDIS_TLS_CA_FILE: authority.cert,
    REDIS_TLS_CERT_FILE: client.cert,
    REDIS_TLS_KEY_FILE: client.key,
  };
  await using cli = await openCliSession({ env });
  const tweet = ["enqueue", "tweet", "--agent", "echo", "--topic", "fog", "--worker", "--wait"];
  expect(await cli.run(...tweet)).toMatchObject({ code: 0, stdout: expect.stringMatching(/\S/) as string });
}, 60_000);

it("an authority that nobody has named: exit 5, says that it is TLS and what to do", async () => {
  await using cli = await openCliSession({ env: { REDIS_URL: `rediss://localhost:${port}` } });
  const { code, stdout, stderr } = await cli.run("usage");
  expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
  expect(stderr).toContain("TLS: its certificate is not trusted; set REDIS_TLS_CA_FILE");
}, 60_000);

it.each([
  ["an authority that nobody has named", "localhost", false, "its certificate is not trusted; set REDIS_TLS_CA"],
  ["a certificate for another host", "127.0.0.1", true, "its certificate is for another host"],
  ["no certificate of ours", "localhost", true, "it breaks off; if it wants to know its clients, set REDIS_TLS_CERT"],
])("%s is said, with what to do", async (_, host, knowsAuthority, said) => {
  const trust = knowsAuthority ? { ca: await authority.read(authority.cert) } : {};
  const socket = connect({ host, port, ...trust }).resume();
  const { promise, resolve } = Promise.withResolvers<Error>();
  socket.on("error", resolve);
  const whatIoredisSays = new Error("Reached the max retries per request limit (which is 2).");
  expect(whyUnreachable(whatIoredisSays, await promise, true)).toContain(`TLS: ${said}`);
});
