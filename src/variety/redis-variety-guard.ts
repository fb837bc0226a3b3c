import { createHash } from "node:crypto";
import { controlKeys } from "../admission/keys.ts";
import type { VarietyGuard, WrittenText } from "../generation/variety-guard.ts";
import type { Clock } from "../platform/clock.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { normalise } from "./normalise.ts";
import { signatureOf, type Signature } from "./signature.ts";

export interface VarietySettings {
  /** From which similarity on two texts are too much alike; default 0.7. */
  readonly similarity: number;
  /** How many of an agent's last texts are compared, whatever their age; default 200. */
  readonly agentTexts: number;
  /** How long the texts of all agents are compared; default 7 days. */
  readonly textsMs: number;
}

export interface VarietyGuardOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Pick<Clock, "now">;
  readonly settings: VarietySettings;
}

/** Texts with fewer characters are compared as a whole: a word more or less makes another text of them. */
const SHORTEST_COMPARED = 12;
/** An agent that has written nothing for so long is forgotten. */
const AGENT_MS = 90 * 24 * 3600_000;
/** At a million texts a shard has about 120 entries, at a thousand there are few shards. */
const SHARDS = 2 ** 17;

const claimScript = loadLuaScript(new URL("./scripts/claim-text.lua", import.meta.url));

/**
 * Finds texts that are much alike among millions, in one round trip: candidates share a band of their signatures (locality
 * sensitive hashing), and are compared by all of them.
 */
export function createVarietyGuard({ redis, namespace, clock, settings }: VarietyGuardOptions): VarietyGuard {
  const keys = controlKeys(namespace);
  return {
    async claim({ jobId, agentId, text }: WrittenText, evenIfSimilar) {
      const normalised = normalise(text);
      if (normalised === "") return null;
      const { exact, signature, bands } = fingerprintOf(normalised);
      const reply = (await claimScript.run(
        redis,
        [keys.textCount, keys.agentTexts(agentId), ...bands.map(({ shard }) => keys.textShard(shard))],
        [
          ...[keys.text(""), jobId, agentId, clock.now(), exact, signature],
          ...[settings.similarity, settings.agentTexts, settings.textsMs, AGENT_MS, evenIfSimilar ? 1 : 0],
          ...bands.map(({ rest }) => rest),
        ],
      )) as [string, string] | null;
      return reply === null ? null : { jobId: reply[0], similarity: Number(reply[1]) };
    },
  };
}

interface Fingerprint {
  /** Tells the text itself: 8 bytes. */
  readonly exact: Buffer;
  /** Empty for a short text. */
  readonly signature: Buffer;
  readonly bands: readonly BandPlace[];
}

interface BandPlace {
  readonly shard: number;
  /** Tells the band's hash from others of the shard: 4 bytes. */
  readonly rest: Buffer;
}

function fingerprintOf(normalised: string): Fingerprint {
  const exact = createHash("sha256").update(normalised).digest().subarray(0, 8);
  if (normalised.length < SHORTEST_COMPARED) {
    return { exact, signature: Buffer.alloc(0), bands: [placeOf(exact.readUInt32BE(4))] };
  }
  const { bytes, bands }: Signature = signatureOf(normalised);
  return { exact, signature: bytes, bands: bands.map(placeOf) };
}

function placeOf(hash: number): BandPlace {
  const rest = Buffer.alloc(4);
  rest.writeUInt32BE(hash);
  return { shard: hash % SHARDS, rest };
}
