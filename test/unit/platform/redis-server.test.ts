import { describe, expect, it } from "vitest";
import { REDIS_SERVER_FOLDERS as FOLDERS_OF_SETUP } from "../../../scripts/install-redis.mjs";
import { findRedisServer, REDIS_SERVER_FOLDERS, RedisServerMissingError } from "../../../src/platform/redis-server.ts";

describe("findRedisServer", () => {
  it("names the command and version of the installed server", async () => {
    const server = await findRedisServer();
    expect(server?.command).toMatch(/(redis|valkey)-server$/);
    expect(server?.version).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("takes the first command that is a server", async () => {
    const { command } = (await findRedisServer()) ?? { command: "" };
    expect(await findRedisServer(["/nowhere/redis-server", process.execPath, command])).toMatchObject({ command });
  });

  it("gives null where there is none", async () => {
    expect(await findRedisServer(["/nowhere/redis-server", "/dev/null"])).toBeNull();
  });

  it("looks in the same folders as the set-up, which cannot import TypeScript", () => {
    expect(FOLDERS_OF_SETUP).toEqual(REDIS_SERVER_FOLDERS);
  });
});

describe("RedisServerMissingError", () => {
  it("says what to run, and the way without an installation", () => {
    const { message } = new RedisServerMissingError();
    expect(message).toContain("neither redis-server nor valkey-server was found");
    expect(message).toContain("sudo apt-get install -y redis-server");
    expect(message).toContain("brew install redis");
    expect(message).toContain("REDIS_URL=redis://127.0.0.1:6379");
  });
});
