/**
 * - `unreachable`: no connection. `no-answer`: a connection, and silence. `loading`: it reads its data.
 * - `full`, `read-only`, `cannot-persist`, `too-few-replicas`: it answers, and takes no writes.
 * - `no-access`: it does not let us in, or not do that. `busy`: a script runs there for too long.
 */
export type RedisTroubleKind =
  | "unreachable"
  | "no-answer"
  | "loading"
  | "full"
  | "read-only"
  | "cannot-persist"
  | "too-few-replicas"
  | "no-access"
  | "busy"
  | "other";

export interface RedisTrouble {
  readonly kind: RedisTroubleKind;
  /** What to do about it, without a full stop. */
  readonly remedy: string;
}

/** By the code that an answer of Redis begins with. */
const REFUSALS: Readonly<Record<string, RedisTrouble>> = {
  OOM: { kind: "full", remedy: "raise its maxmemory, or keep results and usage rows for a shorter time (retention)" },
  READONLY: { kind: "read-only", remedy: "it is a replica: point REDIS_URL to the primary" },
  MISCONF: {
    kind: "cannot-persist",
    remedy: "it cannot write its data to disk: look at its log and at the space on the disk",
  },
  NOREPLICAS: { kind: "too-few-replicas", remedy: "connect more replicas, or lower min-replicas-to-write" },
};

const OTHERS: readonly (readonly [RegExp, RedisTrouble])[] = [
  [/^NOPERM/, { kind: "no-access", remedy: "give the user in REDIS_URL the right to write" }],
  [/^(?:NOAUTH|WRONGPASS|DENIED)/, { kind: "no-access", remedy: "correct the user or password in REDIS_URL" }],
  [/^LOADING/, { kind: "loading", remedy: "wait until it has loaded its data" }],
  [/^BUSY\b/, { kind: "busy", remedy: "wait, or end the script with SCRIPT KILL" }],
  [/timed out|Socket timeout/, { kind: "no-answer", remedy: "look whether it runs and what it is busy with" }],
  [/./, { kind: "other", remedy: "look at its log" }],
];

const UNREACHABLE: RedisTrouble = { kind: "unreachable", remedy: "start it, or correct REDIS_URL" };

/** Before version 7 Redis wraps what a command inside a script was refused for. */
const CODE = /^(?:ERR Error running script.*-)?([A-Z]+)\b/;

/** Redis answers, and takes no writes: it may again when somebody has done something about it. */
export function isWriteRefusal(error: unknown): error is Error {
  return error instanceof Error && refusalOf(error.message) !== undefined;
}

export function troubleOf(error: unknown): RedisTrouble {
  const message = error instanceof Error ? error.message : "no answer, timed out";
  if (
    /max retries per request|startup nodes|slots cache|All sentinels|ECONN|EPIPE|ENOENT|Connection is closed|isn't writeable/.test(
      message,
    )
  )
    return UNREACHABLE;
  return refusalOf(message) ?? (OTHERS.find(([pattern]) => pattern.test(message))?.[1] as RedisTrouble);
}

const LONGEST_REASON = 200;

/** One line for people: what Redis has said, and the remedy behind "; ". */
export function describeRefusal(error: unknown): string {
  const message = error instanceof Error ? error.message : "unknown";
  const said = message.slice(0, LONGEST_REASON).replace(/\.$/, "");
  return `Redis refuses to write: ${said}; ${troubleOf(error).remedy}`;
}

function refusalOf(message: string): RedisTrouble | undefined {
  return REFUSALS[CODE.exec(message)?.[1] ?? ""];
}
