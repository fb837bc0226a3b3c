import { controlKeys } from "../admission/keys.ts";
import type { PartialText } from "../job/partial-text.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { withoutKnownSecrets } from "../platform/secrets.ts";

/** Between two messages while somebody listens, and while nobody does: enough for who comes later. */
const LISTENED_PAUSE_MS = 100;
const UNHEARD_PAUSE_MS = 500;
/** Messages hold the whole text: with each of these there is a pause more between them. */
const CHARACTERS_PER_PAUSE = 4096;

/** Time as a parameter, alarms included. */
export interface FeedClock {
  monotonicMs(): number;
  /** @returns takes it back */
  after(ms: number, run: () => void): () => void;
}

/** Satisfies the generation's `TextFeed`. */
export interface TextFeed {
  onText(textSoFar: string): void;
  close(): void;
}

const systemFeedClock: FeedClock = {
  monotonicMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.ceil(ms));
    return () => clearTimeout(timer);
  },
};

/** Opens feeds that publish to the channel of their job. */
export function createTextFeeds(
  redis: RedisClient,
  namespace: string,
): (source: Omit<PartialText, "text"> & { readonly jobId: string }) => TextFeed {
  const { partialChannel } = controlKeys(namespace);
  return ({ jobId, attempt, provider, model }) =>
    throttledFeed(async (text) => {
      // A command would wait for Redis to come back, and so would this text, which is old by then.
      if (redis.status !== "ready") return 0;
      const message: PartialText = { attempt, provider, model, text: withoutKnownSecrets(text) };
      return await redis.publish(partialChannel(jobId), JSON.stringify(message));
    }, systemFeedClock);
}

/**
 * Publishes a growing text now and then, the newest each time. One message is under way at most; what Redis refuses is
 * dropped, and so is what is left at the end: the result has all of it.
 * @param publish answers how many listen
 */
export function throttledFeed(publish: (text: string) => Promise<number>, clock: FeedClock): TextFeed {
  let newest: string | null = null;
  let listeners = 0;
  let sentMs = -Infinity;
  let isSending = false;
  let isClosed = false;
  let cancel: (() => void) | null = null;

  const send = async (text: string): Promise<void> => {
    newest = null;
    isSending = true;
    sentMs = clock.monotonicMs();
    listeners = await publish(text).catch(() => 0);
    isSending = false;
    plan();
  };
  const plan = (): void => {
    if (newest === null || isSending || isClosed || cancel !== null) return;
    const waitMs = sentMs + pauseMs(newest.length, listeners) - clock.monotonicMs();
    if (waitMs <= 0) return void send(newest);
    cancel = clock.after(waitMs, () => {
      cancel = null;
      if (newest !== null) void send(newest);
    });
  };
  return {
    onText(textSoFar) {
      newest = textSoFar;
      plan();
    },
    close() {
      isClosed = true;
      cancel?.();
    },
  };
}

function pauseMs(characters: number, listeners: number): number {
  return (listeners > 0 ? LISTENED_PAUSE_MS : UNHEARD_PAUSE_MS) * (1 + characters / CHARACTERS_PER_PAUSE);
}
