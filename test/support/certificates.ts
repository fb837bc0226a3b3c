import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeTempFolder } from "./temp-folder.ts";

const run = promisify(execFile);
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority of one's own, in a folder that goes with it. */
export interface Authority extends AsyncDisposable, Certificate {
  /** @param names as OpenSSL writes them, e.g. `DNS:localhost,IP:127.0.0.1` */
  issue(name: string, names: string): Promise<Certificate>;
  read(path: string): Promise<string>;
}

export async function createAuthority(): Promise<Authority> {
  const folder = await makeTempFolder();
  const pathOf = (name: string): Certificate => ({
    cert: join(folder.path, `${name}.pem`),
    key: join(folder.path, `${name}.key`),
  });
  const own = pathOf("authority");
  const signing = ["req", "-x509", ...KEY, "-days", "1", "-subj", "/CN=authority"];
  await run("openssl", [...signing, "-keyout", own.key, "-out", own.cert]);
  return {
    ...own,
    async issue(name, names) {
      const { cert, key } = pathOf(name);
      const [request, extensions] = [`${cert}.csr`, `${cert}.ext`];
      await writeFile(extensions, `subjectAltName=${names}`);
      await run("openssl", ["req", ...KEY, "-subj", `/CN=${name}`, "-keyout", key, "-out", request]);
      const issuer = ["-CA", own.cert, "-CAkey", own.key, "-CAcreateserial", "-extfile", extensions];
      await run("openssl", ["x509", "-req", "-in", request, ...issuer, "-days", "1", "-out", cert]);
      return { cert, key };
    },
    read: async (path) => await readFile(path, "utf8"),
    [Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose](),
  };
}
