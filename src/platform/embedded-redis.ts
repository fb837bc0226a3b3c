import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, lstat, mkdir, open, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis, ReplyError } from "ioredis";
import { withFileLock } from "./file-lock.ts";
import { findRedisServer, RedisServerMissingError } from "./redis-server.ts";

export interface EmbeddedRedisOptions {
  /** The server keeps everything in the folder `redis` in here; both are created when missing. */
  readonly dataDirectory: string;
  /** Receives one line per event worth knowing (started, stopped, died); default: silence. */
  readonly log?: (message: string) => void;
  /** Server programs to try, in order; default: redis-server and valkey-server in PATH and the usual folders. */
  readonly serverCommands?: readonly string[];
}

/**
 * A private Redis for this machine. The process that needs it first starts it, others with the same data folder share
 * it, and the one that leaves last stops it: nobody loses the server because the command that happened to start it is
 * done. If its users were killed, it runs on until the next one arrives, which then is the last to leave.
 */
export interface EmbeddedRedis extends AsyncDisposable {
  /** The Unix socket it listens on; it has no other address. */
  readonly path: string;
  /** True when this process started the server, or found it running without any user. */
  readonly owned: boolean;
}

/** The embedded Redis could not be started or stopped. The message says why and ends with the server's own last words. */
export class EmbeddedRedisError extends Error {
  override readonly name = "EmbeddedRedisError";
}

/** Without any answer for this long the start has failed. Loading a large data file counts as an answer. */
const START_TIMEOUT_MS = 15_000;
/** A server that is alive answers within this, however busy. */
const COMMAND_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 20;
/** The kernel's limit is 104 bytes on macOS and 108 on Linux, the final NUL included. */
const LONGEST_SOCKET_PATH_BYTES = 100;
const LOG_LINES_SHOWN = 5;
/** The last three: it is just ending. */
const NOBODY_LISTENS = /ENOENT|ECONNREFUSED|ECONNRESET|EPIPE|Connection is closed/;
/** Every user of the server holds one connection of this name: the kernel closes it even if its process is killed. */
const USER_CONNECTION_NAME = "embedded-redis-user";

/**
 * Starts the embedded Redis of a data folder, or joins the one that runs there already. It listens on a Unix socket
 * only and appends every write to a file that is synced once a second (a power cut can lose the last second).
 * Throws `EmbeddedRedisError` or `RedisServerMissingError`.
 */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const folder = await preparePrivateFolder(join(options.dataDirectory, "redis"));
  const files = { folder, socket: await socketPath(folder), log: join(folder, "redis.log") };
  const lock = join(folder, "lock");
  const log = options.log ?? (() => undefined);
  const user = await withFileLock(lock, async () => {
    const connection = await connect(files.socket);
    return connection === null
      ? startServer(files, options.serverCommands)
      : { connection, child: null, owned: (await countUsers(connection)) === 1 };
  });
  await waitWhileLoading(user.connection, files);
  log(`Embedded Redis ${user.owned ? "in" : "shared with another process, in"} ${folder}`);
  user.connection.once("end", () => log(`The embedded Redis is gone; see ${files.log}`));
  // An idle connection or child must not keep a program alive that is done.
  user.connection.stream.unref();
  user.child?.unref();
  return {
    path: files.socket,
    owned: user.owned,
    [Symbol.asyncDispose]: () => withFileLock(lock, () => leave(user)),
  };
}

interface ServerFiles {
  readonly folder: string;
  readonly socket: string;
  readonly log: string;
}

/** This process' part in the server. */
interface ServerUser {
  readonly connection: Redis;
  readonly owned: boolean;
  /** `null` in a process that did not start the server. */
  readonly child: ChildProcess | null;
}

async function startServer(files: ServerFiles, commands?: readonly string[]): Promise<ServerUser> {
  const server = await findRedisServer(commands);
  if (server === null) throw new RedisServerMissingError();
  const child = await spawnServer(server.command, files);
  try {
    return { connection: await connectToChild(files.socket, child), owned: true, child };
  } catch (error) {
    child.kill("SIGKILL");
    await exitOf(child);
    throw await failureOf(files, reasonOf(error));
  }
}

async function failureOf({ folder, log }: ServerFiles, reason: string): Promise<EmbeddedRedisError> {
  const lines = (await readFile(log, "utf8")).trimEnd().split("\n").slice(-LOG_LINES_SHOWN);
  const message = [`The embedded Redis in ${folder} does not work: ${reason}`, `Last lines of ${log}:`, ...lines];
  return new EmbeddedRedisError(message.join("\n  "));
}

async function spawnServer(command: string, { folder, socket, log }: ServerFiles): Promise<ChildProcess> {
  const settings = {
    port: "0",
    unixsocket: socket,
    unixsocketperm: "700",
    dir: folder,
    daemonize: "no",
    appendonly: "yes",
    appendfsync: "everysec",
    save: "",
    // A queue must never lose keys to make room: writes fail instead.
    "maxmemory-policy": "noeviction",
    // The lateness of delayed jobs follows this frequency; the default is 10.
    hz: "100",
  };
  await using logFile = await open(log, "a", 0o600);
  const child = spawn(
    command,
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    // Its own session, so that Ctrl-C in a terminal reaches the worker, which drains first, and not the server.
    { detached: true, stdio: ["ignore", logFile.fd, logFile.fd] },
  );
  await once(child, "spawn");
  return child;
}

async function connectToChild(path: string, child: ChildProcess): Promise<Redis> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const connection = await connect(path);
    if (connection !== null) return connection;
    const ending = endingOf(child);
    if (ending !== null) throw new EmbeddedRedisError(`it ended with ${ending}.`);
    await sleep(POLL_MS);
  }
  throw new EmbeddedRedisError(`it did not open its socket within ${START_TIMEOUT_MS / 1000} s.`);
}

/** `null`: no server listens there. */
async function connect(path: string): Promise<Redis | null> {
  const connection = new Redis({
    path,
    connectionName: USER_CONNECTION_NAME,
    lazyConnect: true,
    enableReadyCheck: false,
    disableClientInfo: true,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: () => null,
  });
  let failure: unknown = null;
  connection.on("error", (error) => (failure = error));
  try {
    await connection.connect();
    return connection;
  } catch (error) {
    const cause = failure ?? error;
    if (NOBODY_LISTENS.test(reasonOf(cause))) return null;
    throw new EmbeddedRedisError(`The embedded Redis at ${path} cannot be reached: ${reasonOf(cause)}`);
  }
}

/** A server that is reading its data file answers, so there is no limit to this; a large file takes minutes. */
async function waitWhileLoading(connection: Redis, files: ServerFiles): Promise<void> {
  for (;;) {
    const failure = await connection.ping().then(() => null, reasonOf);
    if (failure === null) return;
    if (!failure.startsWith("LOADING")) {
      if (connection.status !== "end") connection.disconnect();
      throw await failureOf(files, failure);
    }
    await sleep(POLL_MS);
  }
}

async function countUsers(connection: Redis): Promise<number> {
  const clients = String(await connection.client("LIST"));
  return clients.split("\n").filter((line) => line.includes(` name=${USER_CONNECTION_NAME} `)).length;
}

/** The last user stops the server and waits until it is gone. */
async function leave({ connection, child }: ServerUser): Promise<void> {
  if (connection.status !== "ready") return;
  connection.removeAllListeners("end");
  connection.stream.ref();
  if ((await countUsers(connection)) > 1) {
    // Not counted from now on; when the server notices the end of the connection is uncertain.
    await connection.client("SETNAME", `${USER_CONNECTION_NAME}:left`);
    connection.disconnect();
    return;
  }
  const ended = once(connection, "end", { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
  // The answer to a successful SHUTDOWN is a closed connection.
  const failure = await connection.shutdown().then(
    () => null,
    (error: unknown) => error,
  );
  if (failure instanceof ReplyError) {
    ended.catch(() => undefined);
    throw new EmbeddedRedisError(`The embedded Redis refused to stop: ${reasonOf(failure)}`);
  }
  await ended.catch(() => {
    throw new EmbeddedRedisError(`The embedded Redis did not stop within ${STOP_TIMEOUT_MS / 1000} s.`);
  });
  if (child !== null) await exitOf(child);
}

async function exitOf(child: ChildProcess): Promise<void> {
  if (endingOf(child) !== null) return;
  child.ref();
  await once(child, "exit");
}

function endingOf({ signalCode, exitCode }: ChildProcess): string | null {
  return signalCode ?? (exitCode === null ? null : `exit code ${exitCode}`);
}

/** Where the server listens: in its folder, or in /tmp when that path is too long for a socket. */
async function socketPath(folder: string): Promise<string> {
  const path = join(folder, "redis.sock");
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH_BYTES) return path;
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  // Not the directory of TMPDIR: two processes may differ in it, and two servers on one data folder destroy the data.
  return join(await preparePrivateFolder(`/tmp/puppet-engine-${process.getuid?.()}-${hash}`), "redis.sock");
}

async function preparePrivateFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    if ((await lstat(path)).uid !== process.getuid?.()) throw new Error("it belongs to another user");
    await chmod(path, 0o700);
    return await realpath(path);
  } catch (error) {
    const remedy = "Set PUPPET_ENGINE_DATA to another folder, or REDIS_URL to a Redis that is already running.";
    throw new EmbeddedRedisError(
      `The folder ${path} cannot be used for a Redis of our own: ${reasonOf(error)}. ${remedy}`,
    );
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
