import type { ServerResponse } from "node:http";
import type { Answer } from "./recorded-server.ts";

const JSON_HEADERS = { "content-type": "application/json" };

/** Never answers; the caller's deadline or signal has to end it. */
export const hang: Answer = () => undefined;

/** Resets the connection before any answer. */
export const reset: Answer = (_, response) => {
  response.socket?.resetAndDestroy();
};

/** Announces more than it sends and resets the connection in the middle. */
export const resetInBody: Answer = async (_, response) => {
  response.writeHead(200, { ...JSON_HEADERS, "content-length": "1000" });
  await written(response, '{"id":"chatcmpl-1","choices":[');
  response.socket?.resetAndDestroy();
};

/** A byte every few milliseconds, for ever. */
export const drip: Answer = (_, response) => {
  response.writeHead(200, JSON_HEADERS);
  const timer = setInterval(() => response.write(" "), 5);
  response.on("close", () => clearInterval(timer));
};

export interface Huge {
  /** Whether it says beforehand how much comes. */
  readonly announced: boolean;
  /** Default 200. */
  readonly status?: number;
  /** What comes again and again; default: 64 KiB of white space. */
  readonly part?: string;
  /** Default JSON. */
  readonly type?: string;
}

/** 50 MB. */
export function huge({ announced, status = 200, part = " ".repeat(64 * 1024), ...given }: Huge): Answer {
  const chunk = Buffer.from(part);
  const chunks = Math.ceil((800 * 64 * 1024) / chunk.length);
  return async (_, response) => {
    const headers = { "content-type": given.type ?? JSON_HEADERS["content-type"] };
    const length = String(chunk.length * chunks);
    response.writeHead(status, announced ? { ...headers, "content-length": length } : headers);
    for (let sent = 0; sent < chunks && !response.destroyed; sent++) await written(response, chunk);
    response.end();
  };
}

/** What is not HTTP at all. */
export const notHttp: Answer = (_, response) => {
  response.socket?.end("SSH-2.0-OpenSSH_9.6\r\n");
};

/** Resolves when the chunk has left, or cannot leave any more. */
function written(response: ServerResponse, chunk: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    response.write(chunk, () => resolve());
    if (response.destroyed) resolve();
  });
}
