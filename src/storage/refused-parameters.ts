import { controlKeys } from "../admission/keys.ts";
import type { RefusedParameters } from "../generation/refused-parameters.ts";
import type { Clock } from "../platform/clock.ts";
import type { RedisClient } from "../platform/redis-client.ts";

/** Vendors change their minds: after this a parameter is tried again. */
const FORGOTTEN_AFTER_MS = 7 * 24 * 3600_000;
/** Models come with jobs, and there is no other end to what they can refuse. */
const MOST_MODELS = 1000;
/** More than anybody sends; a vendor that names something new each time has no use for a memory. */
const MOST_PER_MODEL = 20;
/** Of all workers of the namespace together. */
const MOST_STORED = MOST_MODELS * MOST_PER_MODEL;

/** What a vendor names is its own text. */
const NAME = /^[\w.]{1,64}$/;

/**
 * What this and earlier workers of the namespace have learned, per provider and model: whoever changes the base URL of a
 * provider takes along what the server before has refused, for as long as it is remembered. Read once, at the start: a
 * worker that runs already learns by itself, at the price of one refused call. Redis is asked for convenience only; its
 * failures are ignored.
 */
export async function openRefusedParameters(
  redis: RedisClient,
  namespace: string,
  clock: Pick<Clock, "now">,
): Promise<RefusedParameters> {
  const key = controlKeys(namespace).refusedParameters;
  const memory = createMemory(clock);
  for (const { name, parameter, learnedAt } of await readStored(redis, key, clock)) {
    memory.add(name, parameter, learnedAt);
  }
  return {
    of: (provider, model) => memory.of(`${provider}/${model}`),
    learn(provider, model, parameter) {
      const name = `${provider}/${model}`;
      if (!memory.add(name, parameter, clock.now())) return;
      redis.zadd(key, clock.now(), `${parameter} ${name}`).catch(() => undefined);
      redis.zremrangebyscore(key, "-inf", clock.now() - FORGOTTEN_AFTER_MS).catch(() => undefined);
      redis.zremrangebyrank(key, 0, -MOST_STORED - 1).catch(() => undefined);
    },
  };
}

interface Memory {
  of(name: string): readonly string[];
  /** False: it is known, no parameter's name, or one too many. */
  add(name: string, parameter: string, learnedAt: number): boolean;
}

/** `<provider>/<model>` → parameter → when it was refused. */
function createMemory(clock: Pick<Clock, "now">): Memory {
  const known = new Map<string, Map<string, number>>();
  const refusedBy = (name: string): ReadonlyMap<string, number> => {
    const refused = known.get(name);
    if (refused === undefined) return NONE;
    const since = clock.now() - FORGOTTEN_AFTER_MS;
    for (const [parameter, learnedAt] of refused) if (learnedAt <= since) refused.delete(parameter);
    if (refused.size === 0) known.delete(name);
    return refused;
  };
  const hasRoom = (): boolean => {
    if (known.size >= MOST_MODELS) for (const name of known.keys()) refusedBy(name);
    return known.size < MOST_MODELS;
  };
  return {
    of: (name) => [...refusedBy(name).keys()],
    add(name, parameter, learnedAt) {
      const refused = refusedBy(name);
      if (!NAME.test(parameter) || refused.has(parameter) || refused.size >= MOST_PER_MODEL) return false;
      if (refused.size === 0 && !hasRoom()) return false;
      known.set(name, new Map(refused).set(parameter, learnedAt));
      return true;
    },
  };
}

const NONE: ReadonlyMap<string, number> = new Map();

interface Stored {
  readonly name: string;
  readonly parameter: string;
  readonly learnedAt: number;
}

/** Members are `<parameter> <provider>/<model>`, none of which has a space in it. */
async function readStored(redis: RedisClient, key: string, clock: Pick<Clock, "now">): Promise<Stored[]> {
  const now = clock.now();
  const since = now - FORGOTTEN_AFTER_MS;
  const read = redis.zrange(key, since, "+inf", "BYSCORE", "LIMIT", 0, MOST_STORED, "WITHSCORES");
  const flat = await read.catch((): string[] => []);
  return flat.flatMap((member, index) => {
    const [parameter = "", name = "", ...more] = member.split(" ");
    if (index % 2 === 1 || name === "" || more.length > 0) return [];
    // The clock of another worker may be ahead.
    return [{ name, parameter, learnedAt: Math.min(now, Number(flat[index + 1])) }];
  });
}
