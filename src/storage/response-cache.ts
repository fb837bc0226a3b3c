import { createHash } from "node:crypto";
import { controlKeys } from "../admission/keys.ts";
import type { CacheAnswer, CacheAsker, CacheRequest, ResponseCache } from "../generation/response-cache.ts";
import type { FinishedText } from "../job/draft.ts";
import { CACHE_COUNTER, dayOf } from "../job/usage-counters.ts";
import type { Clock } from "../platform/clock.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import type { RedisClient } from "../platform/redis-client.ts";

const lookUpScript = loadLuaScript(new URL("./scripts/look-up-text.lua", import.meta.url));
const leaveScript = loadLuaScript(new URL("./scripts/leave-lead.lua", import.meta.url));

export interface ResponseCacheOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Pick<Clock, "now">;
  /** How long daily counters are kept. */
  readonly countersMs: number;
}

interface CachedText {
  readonly text: FinishedText;
  /** Epoch ms, clock of the worker that stored it. */
  readonly storedAt: number;
  readonly freshUntil: number;
}

/** Texts by a hash of their request; Redis forgets them by itself. */
export function createResponseCache(options: ResponseCacheOptions): ResponseCache {
  const { redis, clock } = options;
  const keys = controlKeys(options.namespace);
  return {
    lookUp: async (request, asker) => await lookUp(request, asker, options),
    async store(request, text, { ttlMs, staleMs }) {
      const hash = hashOf(request);
      const storedAt = clock.now();
      const entry: CachedText = { text, storedAt, freshUntil: storedAt + ttlMs };
      const keptMs = Math.max(1, Math.ceil(ttlMs + staleMs));
      await redis.set(keys.cachedText(request.agentId, hash), JSON.stringify(entry), "PX", keptMs);
      await redis.del(keys.cacheLead(hash));
    },
    async leave(request, jobId) {
      await leaveScript.run(redis, [keys.cacheLead(hashOf(request))], [jobId]);
    },
    async stale(request) {
      const json = await redis.get(keys.cachedText(request.agentId, hashOf(request)));
      return json === null ? null : (JSON.parse(json) as CachedText).text;
    },
  };
}

async function lookUp(
  request: CacheRequest,
  asker: CacheAsker,
  { redis, namespace, clock, countersMs }: ResponseCacheOptions,
): Promise<CacheAnswer> {
  const keys = controlKeys(namespace);
  const hash = hashOf(request);
  const now = clock.now();
  const day = dayOf(now);
  const [is, told] = (await lookUpScript.run(
    redis,
    [
      ...[keys.cachedText(request.agentId, hash), keys.cacheLead(hash)],
      ...[keys.usageDay(day), keys.usageOfAgent(day, request.agentId), keys.usageAgents(day)],
    ],
    [asker.jobId, asker.leadMs, now, request.agentId, countersMs, CACHE_COUNTER, asker.kind],
  )) as ["hit", string] | ["lead", undefined] | ["wait", number];
  switch (is) {
    case "hit": {
      const { text, storedAt } = JSON.parse(told) as CachedText;
      return { is, use: storedAt > asker.enqueuedAt ? "shared" : "hit", text };
    }
    case "lead":
      return { is };
    case "wait":
      return { is, forMs: told };
  }
}

function hashOf({ shape }: CacheRequest): string {
  return createHash("sha256").update(shape).digest("hex");
}
