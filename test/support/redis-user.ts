import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeTempFolder } from "./temp-folder.ts";

/** What is shipped. */
export const REDIS_USER_FILE = readFileSync(join(import.meta.dirname, "../../deploy/redis-user.conf"), "utf8");

/** The shipped user as somebody has put it to use: with a password and a namespace of their own. */
export interface RedisUser extends AsyncDisposable {
  readonly namespace: string;
  /** `USER:PASSWORD`, for a URL; and of who may purge. */
  readonly login: string;
  readonly purgeLogin: string;
  /** Settings of a server that has this user. */
  readonly settings: readonly string[];
}

export async function makeRedisUser(): Promise<RedisUser> {
  const folder = await makeTempFolder();
  const path = join(folder.path, "redis-user.conf");
  const [password, namespace] = ["a-password-of-the-tests", "guarded"];
  await writeFile(path, REDIS_USER_FILE.replaceAll("change-me", password).replaceAll("{puppet", `{${namespace}`));
  return {
    namespace,
    login: `puppet-engine:${password}`,
    purgeLogin: `puppet-engine-purge:${password}`,
    settings: ["--include", path],
    [Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose](),
  };
}
