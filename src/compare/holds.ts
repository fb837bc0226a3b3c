import { RECOVERY } from "../generation/recovery.ts";
import type { ProviderId } from "../providers/provider.ts";
import type { GroupHealth, HealthReport } from "../storage/health-report.ts";
import { targetName, type Target } from "./targets.ts";

/** Why nobody calls a model now. */
export interface Hold {
  /** `key openai#1a2b3c4d`, `openai/gpt-6-luna#1a2b3c4d` */
  readonly what: string;
  readonly state: "paused" | "circuit-open" | "rate-limited";
  /** The kind of error behind it; `null`: a breaker, which knows none. */
  readonly why: string | null;
  /** Epoch ms. */
  readonly untilAt: number;
  /** It will be the same again until somebody acts: waiting for it is pointless. */
  readonly needsPerson: boolean;
}

export interface HoldContext {
  readonly health: Pick<HealthReport, "groups" | "pausedKeys">;
  /** Provider → the ids of the keys that are known here. */
  readonly keyIds: ReadonlyMap<ProviderId, readonly string[]>;
  /** Epoch ms. */
  readonly now: number;
}

/** Kinds of errors after which everybody leaves a model or a key alone, because a person has to act. */
const NEEDING: ReadonlySet<string> = new Set(
  Object.entries(RECOVERY).flatMap(([kind, { pauses }]) => (pauses === null ? [] : [kind])),
);

/** Shorter waits for the vendor are nothing to talk about. */
const LONG_WAIT_MS = 30_000;

/** What holds a target up; `null`: nothing does, or there is a key that may do. */
export function holdOf(target: Target, { health, keyIds, now }: HoldContext): Hold | null {
  const { provider } = target;
  const ids = keyIds.get(provider) ?? keyIdsSeen(target, health);
  const found = (ids.length === 0 ? [null] : ids).map((keyId) => holdOfKey(target, keyId, health));
  const holds = found.filter((hold) => hold !== null).sort((a, b) => a.untilAt - b.untilAt);
  const [first] = holds;
  if (first === undefined || holds.length < found.length) return null;
  const hold = holds.find(({ needsPerson }) => !needsPerson) ?? first;
  return hold.state === "rate-limited" && hold.untilAt - now < LONG_WAIT_MS ? null : hold;
}

/** Where only other processes have keys. */
function keyIdsSeen(target: Target, { groups, pausedKeys }: HoldContext["health"]): readonly string[] {
  const owners = [target.provider, targetName(target)];
  const ids = [...groups, ...pausedKeys].flatMap(({ name }) => {
    const [, owner = "", keyId] = /^(.*)#([0-9a-f]{8})$/.exec(name) ?? [];
    return keyId !== undefined && owners.includes(owner) ? [keyId] : [];
  });
  return [...new Set(ids)];
}

function holdOfKey(target: Target, keyId: string | null, { groups, pausedKeys }: HoldContext["health"]): Hold | null {
  const suffix = keyId === null ? "" : `#${keyId}`;
  const key = pausedKeys.find(({ name }) => name === `${target.provider}${suffix}`);
  if (key !== undefined) {
    const { name, why, untilAt } = key;
    return { what: `key ${name}`, state: "paused", why, untilAt, needsPerson: NEEDING.has(why) };
  }
  // Of the model or of the whole provider, with the key or without: as its limits are configured.
  const names = [target.provider, targetName(target)].flatMap((owner) => [`${owner}${suffix}`, owner]);
  const holds = groups.filter(({ name }) => names.includes(name)).flatMap((group) => holdOfGroup(group) ?? []);
  return holds.sort((a, b) => b.untilAt - a.untilAt)[0] ?? null;
}

function holdOfGroup({ name, state, why, untilAt }: GroupHealth): Hold | null {
  if (untilAt === null || (state !== "paused" && state !== "circuit-open" && state !== "rate-limited")) return null;
  return { what: name, state, why, untilAt, needsPerson: state === "paused" && why !== null && NEEDING.has(why) };
}
