/*
 * Loaded before a worker's own program (`node --import`), never part of it: kills the process at one exact moment of its
 * path. A moment is recognised by what passes between the worker and Redis, so the worker's code knows nothing of it.
 *
 * KILL_AT: `<point>:<n>`, the n-th time that the worker comes there, counted from 1.
 * KILL_WITH: SIGKILL (default), or SIGSTOP: it stands still until somebody sends SIGCONT.
 */
import { Redis, type Command } from "ioredis";

/**
 * - `asking`: ADMIT is about to be sent: nothing is known of the attempt.
 * - `granted`: ADMIT's answer is there, the provider was not called yet.
 * - `answered`: the provider's answer is there, SETTLE is about to be sent.
 * - `settling`: SETTLE is on its way: Redis runs it, nobody hears of it.
 * - `settled`: SETTLE's answer is there; BullMQ does not know yet that the job is done.
 */
export type KillPoint = "asking" | "granted" | "answered" | "settling" | "settled";

const [point = "", nth = "1"] = (process.env["KILL_AT"] ?? "").split(":");
const signal = process.env["KILL_WITH"] ?? "SIGKILL";
let left = Number(nth);

function reach(reached: KillPoint): void {
  if (reached !== point || --left !== 0) return;
  // A signal to oneself is there before the call returns.
  process.kill(process.pid, signal);
}

/** The scripts, by the keys that only they are given in these places. */
function scriptOf({ name, args }: Command): "admit" | "settle" | null {
  if (name !== "evalsha" && name !== "eval") return null;
  const keys = args.slice(2, 2 + Number(args[1])).map(String);
  if (keys[2]?.endsWith("}:paused") === true) return "admit";
  return keys[2]?.endsWith("}:usage") === true && String(args[2 + keys.length]) === "settled" ? "settle" : null;
}

// oxlint-disable-next-line typescript/unbound-method -- called with its connection below
const sendCommand = Redis.prototype.sendCommand;

Redis.prototype.sendCommand = function (command, stream) {
  const script = scriptOf(command);
  if (script === "admit") reach("asking");
  if (script === "settle") {
    reach("answered");
    // The bytes leave in this turn of the event loop, and the answer comes in a later one.
    if (point === "settling") setImmediate(() => reach("settling"));
  }
  const reply = sendCommand.call(this, command, stream);
  // The first to be told, before whoever waits for it. A server that does not know the script answers with an error.
  if (script !== null)
    command.promise.then(
      () => reach(script === "admit" ? "granted" : "settled"),
      () => undefined,
    );
  return reply;
};
