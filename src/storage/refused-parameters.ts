import type { Redis } from "ioredis";
import { controlKeys } from "../admission/keys.ts";
import type { RefusedParameters } from "../generation/refused-parameters.ts";
import type { Clock } from "../platform/clock.ts";

/** Vendors change their minds: after this a parameter is tried again. */
const FORGOTTEN_AFTER_MS = 7 * 24 * 3600_000;
/** Models come with jobs, and there is no other end to what they can refuse. */
const MOST_REMEMBERED = 1000;

/**
 * What this and earlier workers of the namespace have learned. Read once, at the start: a worker that runs already
 * learns by itself, at the price of one refused call. Redis is asked for convenience only; its failures are ignored.
 */
export async function openRefusedParameters(
  redis: Redis,
  namespace: string,
  clock: Pick<Clock, "now">,
): Promise<RefusedParameters> {
  const key = controlKeys(namespace).refusedParameters;
  const since = clock.now() - FORGOTTEN_AFTER_MS;
  const stored = await redis.zrange(key, since, "+inf", "BYSCORE").catch((): string[] => []);
  const known = new Map<string, readonly string[]>();
  const add = (model: string, parameter: string): boolean => {
    const refused = known.get(model) ?? [];
    if (refused.includes(parameter) || (known.size >= MOST_REMEMBERED && refused.length === 0)) return false;
    known.set(model, [...refused, parameter]);
    return true;
  };
  for (const member of stored) add(...split(member));
  return {
    of: (provider, model) => known.get(`${provider}/${model}`) ?? NONE,
    learn(provider, model, parameter) {
      const name = `${provider}/${model}`;
      if (!add(name, parameter)) return;
      redis.zadd(key, clock.now(), `${parameter} ${name}`).catch(() => undefined);
      redis.zremrangebyscore(key, "-inf", clock.now() - FORGOTTEN_AFTER_MS).catch(() => undefined);
    },
  };
}

const NONE: readonly string[] = [];

/** `<parameter> <provider>/<model>`: neither a parameter's name nor a provider's has a space in it. */
function split(member: string): [model: string, parameter: string] {
  const space = member.indexOf(" ");
  return [member.slice(space + 1), member.slice(0, space)];
}
