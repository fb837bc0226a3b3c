import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { failureReason } from "../../../../src/providers/http/http-exchange.ts";
import {
  createHttpTransport,
  type HttpTransport,
  type HttpTransportOptions,
} from "../../../../src/providers/http/http-transport.ts";
import { hang } from "../../../support/misbehaving-answers.ts";
import { startRecordedServer } from "../../../support/recorded-server.ts";

describe("failureReason", () => {
  it.each([
    ["ECONNREFUSED", false, "unreachable"],
    ["ENOTFOUND", false, "unreachable"],
    ["EAI_AGAIN", false, "unreachable"],
    ["UND_ERR_CONNECT_TIMEOUT", false, "unreachable"],
    ["ECONNRESET", false, "unreachable"],
    [null, false, "unreachable"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", false, "certificate"],
    ["SELF_SIGNED_CERT_IN_CHAIN", false, "certificate"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", false, "certificate"],
    ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", false, "certificate"],
    ["CERT_HAS_EXPIRED", false, "certificate"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", false, "certificate"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", false, "certificate"],
    ["ECONNRESET", true, "disconnected"],
    ["UND_ERR_SOCKET", true, "disconnected"],
    ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", true, "disconnected"],
    [null, true, "disconnected"],
    ["UND_ERR_BODY_TIMEOUT", true, "stalled"],
    ["HPE_INVALID_CONSTANT", true, "malformed"],
    ["HTTPParserError", true, "malformed"],
    ["UND_ERR_HEADERS_OVERFLOW", true, "malformed"],
  ] as const)("%s, sent: %s, is %s", (code, sent, expected) => {
    expect(failureReason(code, sent)).toBe(expected);
  });
});

const never = new AbortController().signal;

async function post(transport: HttpTransport, url: string, limits = { signal: never, timeoutMs: 10_000 }) {
  const exchange = transport.open(limits);
  const headers = { authorization: "Bearer key", "x-secret": "not sent" };
  const init = { method: "POST", headers: new Headers(headers), body: "{}", agent: exchange };
  const response = await transport.fetch(url, init).catch(() => null);
  return { outcome: exchange.outcome, response };
}

async function withTransport(
  use: (transport: HttpTransport) => Promise<void>,
  options?: HttpTransportOptions,
): Promise<void> {
  const transport = createHttpTransport(options);
  try {
    await use(transport);
  } finally {
    await transport.close();
  }
}

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

describe("an exchange", () => {
  it("keeps the answer, and hands the SDK what it needs of it", async () => {
    await using server = await startRecordedServer({
      response: { status: 418, headers: { "X-Two": "2" }, bodyText: "short and stout" },
    });
    await withTransport(async (transport) => {
      const { outcome, response } = await post(transport, server.baseUrl);

      expect(outcome).toMatchObject({ answer: { status: 418, headers: { "x-two": "2" }, text: "short and stout" } });
      expect([response?.ok, response?.status, response?.headers.get("x-two")]).toEqual([false, 418, "2"]);
      expect(await response?.text()).toBe("short and stout");
    });
    expect(server.calls[0]?.headers).not.toHaveProperty("x-secret");
  });

  it("waits for a free connection no longer than its deadline, and then nothing was sent", async () => {
    await using server = await startRecordedServer(hang);
    await withTransport(
      async (transport) => {
        const controller = new AbortController();
        const first = post(transport, server.baseUrl, { signal: controller.signal, timeoutMs: 10_000 });
        await server.seen(1);
        const second = await post(transport, server.baseUrl, { signal: never, timeoutMs: 50 });
        controller.abort();

        expect(second.outcome).toMatchObject({ failure: { reason: "deadline", sent: false } });
        expect((await first).outcome).toMatchObject({ failure: { reason: "aborted", sent: true } });
      },
      { maxConnections: 1 },
    );
    expect(server.calls).toHaveLength(1);
  });

  it("ends a body that stands still before the deadline does", async () => {
    await using server = await startRecordedServer((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write("{");
    });
    await withTransport(
      async (transport) => {
        const { outcome } = await post(transport, server.baseUrl);
        expect(outcome).toMatchObject({ failure: { reason: "stalled", sent: true, status: 200 } });
      },
      { idleTimeoutMs: 100 },
    );
  });

  // 64.1 s are 64099.99999999999 ms in binary, and undici takes whole ones only.
  it.each([64.1 * 1000, 0.4])("takes %d ms for that as well", async (idleTimeoutMs) => {
    await using server = await startRecordedServer();
    await withTransport(
      async (transport) => {
        const { outcome } = await post(transport, server.baseUrl);
        expect(outcome).toMatchObject({ answer: { status: 200 } });
      },
      { idleTimeoutMs },
    );
  });

  it("reuses its connections", async () => {
    let connections = 0;
    const server = createServer((_, response) => response.end("ok")).on("connection", () => connections++);
    const url = await listen(server);
    await withTransport(async (transport) => {
      for (let call = 0; call < 10; call++) await post(transport, url);
    });
    server.close();

    // The pool may open a second one while the first is still putting its answer away.
    expect(connections).toBeLessThanOrEqual(2);
  });

  it("holds no more than the limit of a body that comes in single bytes", async () => {
    const chunk = "1\r\nx\r\n".repeat(100_000);
    const server = createServer((_, response) => {
      const { socket } = response;
      socket?.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      const more = (): void => {
        if (socket?.writable === true) socket.write(chunk, more);
      };
      more();
    });
    const url = await listen(server);
    const before = process.memoryUsage().rss;
    await withTransport(async (transport) => {
      const { outcome } = await post(transport, url);
      expect(outcome).toMatchObject({ failure: { reason: "too-large", sent: true, status: 200 } });
    });
    server.closeAllConnections();
    server.close();

    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });

  it("refuses to send what was not opened on it", async () => {
    await withTransport(async (transport) => {
      await expect(transport.fetch("http://127.0.0.1:1/v1", { method: "POST" })).rejects.toThrow(
        "the call was not opened on this transport",
      );
    });
  });
});
