import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

export interface RedisServer {
  readonly command: string;
  readonly version: string;
}

/** Where packages put the server, for a PATH that lacks these folders (cron, systemd, an IDE on macOS). */
export const REDIS_SERVER_FOLDERS = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/usr/local/opt/redis/bin"];

const PROGRAMS = ["redis-server", "valkey-server"];
const DEFAULT_COMMANDS = [
  ...PROGRAMS,
  ...REDIS_SERVER_FOLDERS.flatMap((folder) => PROGRAMS.map((name) => join(folder, name))),
];

/** Neither redis-server nor valkey-server is installed. The message says what to run. */
export class RedisServerMissingError extends Error {
  override readonly name = "RedisServerMissingError";

  constructor() {
    super(
      [
        "Redis is needed, but neither redis-server nor valkey-server was found.",
        "Install one of them:",
        "  Debian, Ubuntu   sudo apt-get install -y redis-server",
        "  Fedora           sudo dnf install -y valkey",
        "  macOS            brew install redis",
        "or set REDIS_URL to a Redis that is already running, e.g. REDIS_URL=redis://127.0.0.1:6379",
      ].join("\n"),
    );
  }
}

/** The first installed server program with its version, or `null`. */
export async function findRedisServer(commands: readonly string[] = DEFAULT_COMMANDS): Promise<RedisServer | null> {
  for (const command of commands) {
    const found = await promisify(execFile)(command, ["--version"]).catch(() => null);
    const version = found === null ? null : /\bv=(\S+)/.exec(found.stdout)?.[1];
    if (version != null) return { command, version };
  }
  return null;
}
