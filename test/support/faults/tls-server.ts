import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeTempFolder } from "../temp-folder.ts";

/** An HTTPS server that shows a certificate which nobody vouches for. */
export interface TlsServer extends AsyncDisposable {
  readonly baseUrl: string;
  /** How often somebody has tried. */
  readonly connections: number;
  /** How many requests have come through. */
  readonly requests: number;
}

/** Needs `openssl`, which makes the certificate. */
export async function startSelfSignedServer(): Promise<TlsServer> {
  const state = { connections: 0, requests: 0 };
  const server = createServer(await makeCertificate(), (_, response) => {
    state.requests++;
    response.end("{}");
  });
  server.on("connection", () => state.connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `https://localhost:${port}/v1`,
    get connections() {
      return state.connections;
    },
    get requests() {
      return state.requests;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function makeCertificate(): Promise<{ readonly key: Buffer; readonly cert: Buffer }> {
  await using folder = await makeTempFolder();
  const [keyFile, certFile] = [join(folder.path, "key.pem"), join(folder.path, "cert.pem")];
  const about = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await promisify(execFile)("openssl", ["req", ...kind, ...about, "-keyout", keyFile, "-out", certFile]);
  return { key: await readFile(keyFile), cert: await readFile(certFile) };
}
