import { controlKeys } from "../admission/keys.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import { parsePartialText, type PartialText } from "../job/partial-text.ts";
import { createAbortWatch, type AbortWatch } from "../platform/on-abort.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { lazySubscription } from "./lazy-subscription.ts";

/** How often records are looked up although nobody announced one: the safety net for lost announcements. */
const POLL_MS = 2000;
/** Records looked up per round trip, at most. */
const BATCH = 500;

/** Reads terminal records, waits for them, and hears the texts that come before them. */
export interface ResultReader {
  /** `null`: no terminal record (yet). */
  read(jobId: string): Promise<GenerationResult | null>;
  /** `null`: the signal aborted first, or the reader was closed. */
  wait(jobId: string, signal: AbortSignal): Promise<GenerationResult | null>;
  /**
   * Tells the texts of a job while it is written. Resolves when it listens, when the signal aborts or when it is closed.
   * @returns ends it
   */
  hearTexts(jobId: string, onText: TextListener, signal: AbortSignal): Promise<() => void>;
  /** Ends all waits. */
  close(): void;
}

type TextListener = (text: PartialText) => void;
type Listener = (result: GenerationResult) => void;

interface Waiting {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly listeners: Map<string, Set<Listener>>;
  readonly aborts: AbortWatch;
  /** Fires when the reader is closed. */
  readonly closed: AbortSignal;
  /** Ids announced and not yet read. */
  readonly announced: Set<string>;
  reading: boolean;
}

export function createResultReader(redis: RedisClient, namespace: string): ResultReader {
  const closing = new AbortController();
  const waiting: Waiting = {
    ...{ redis, namespace, aborts: createAbortWatch(), closed: closing.signal },
    ...{ listeners: new Map(), announced: new Set(), reading: false },
  };
  const { job, settledChannel, partialChannel } = controlKeys(namespace);
  const texts = new Map<string, Set<TextListener>>();
  const subscription = lazySubscription(redis, {
    channel: settledChannel,
    onMessage(channel, message) {
      if (channel === settledChannel) announce(waiting, message);
      else tellText(texts.get(channel), message);
    },
  });
  let timer: NodeJS.Timeout | undefined;
  return {
    read: async (jobId) => parse(await redis.hget(job(jobId), "result")),
    async wait(jobId, signal) {
      if (isOver(waiting, signal)) return null;
      timer ??= pollInTurns(waiting);
      if (!subscription.isOpen()) await unlessOver(waiting, signal, subscription.start());
      // An abort in between would not be heard.
      if (isOver(waiting, signal)) return null;
      return await listen(waiting, jobId, signal);
    },
    async hearTexts(jobId, onText, signal) {
      if (isOver(waiting, signal)) return () => undefined;
      const channel = partialChannel(jobId);
      const listeners = texts.get(channel) ?? new Set();
      texts.set(channel, listeners.add(onText));
      const listening = subscription.listen(channel);
      const leave = (): void => {
        if (!listeners.delete(onText) || listeners.size > 0) return;
        texts.delete(channel);
        // Not before it listens; meanwhile somebody else may do so as well.
        const unlessUsed = (): void => (texts.has(channel) ? undefined : subscription.leave(channel));
        listening.then(unlessUsed, () => undefined);
      };
      try {
        await unlessOver(waiting, signal, listening);
      } catch (error) {
        leave();
        throw error;
      }
      return leave;
    },
    close() {
      closing.abort();
      clearInterval(timer);
      subscription.stop();
    },
  };
}

function isOver({ closed }: Waiting, signal: AbortSignal): boolean {
  return signal.aborted || closed.aborted;
}

/** Calls back when the signal fires or the reader is closed. @returns ends it */
function onOver({ aborts, closed }: Waiting, signal: AbortSignal, callback: () => void): () => void {
  const stops = [signal, closed].map((watched) => aborts.on(watched, callback));
  return () => stops.forEach((stop) => stop());
}

/** Resolves when the signal fires or the reader is closed, too. */
async function unlessOver(waiting: Waiting, signal: AbortSignal, work: Promise<void>): Promise<void> {
  const over = Promise.withResolvers<void>();
  const stopWatching = onOver(waiting, signal, over.resolve);
  if (isOver(waiting, signal)) over.resolve();
  try {
    await Promise.race([work, over.promise]);
  } finally {
    stopWatching();
  }
}

function tellText(listeners: ReadonlySet<TextListener> | undefined, message: string): void {
  const text = parsePartialText(message);
  if (text === null) return;
  for (const listener of listeners ?? []) listener(text);
}

function parse(json: string | null | undefined): GenerationResult | null {
  return json ? (JSON.parse(json) as GenerationResult) : null;
}

async function listen(waiting: Waiting, jobId: string, signal: AbortSignal): Promise<GenerationResult | null> {
  return await new Promise<GenerationResult | null>((resolve) => {
    const finish = (result: GenerationResult | null): void => {
      stopWatching();
      listeners.delete(listener);
      if (listeners.size === 0) waiting.listeners.delete(jobId);
      resolve(result);
    };
    const listener: Listener = finish;
    const listeners = waiting.listeners.get(jobId) ?? new Set();
    listeners.add(listener);
    waiting.listeners.set(jobId, listeners);
    const stopWatching = onOver(waiting, signal, () => finish(null));
    // It may have been recorded before we listened.
    announce(waiting, jobId);
  });
}

/** Reads announced records, many in one round trip. */
function announce(waiting: Waiting, jobId: string): void {
  if (!waiting.listeners.has(jobId)) return;
  waiting.announced.add(jobId);
  if (waiting.reading) return;
  waiting.reading = true;
  setImmediate(() => void readAnnounced(waiting));
}

async function readAnnounced(waiting: Waiting): Promise<void> {
  const { job } = controlKeys(waiting.namespace);
  while (waiting.announced.size > 0) {
    const ids = [...waiting.announced].slice(0, BATCH);
    for (const id of ids) waiting.announced.delete(id);
    const pipeline = waiting.redis.pipeline();
    for (const id of ids) pipeline.hget(job(id), "result");
    // While Redis is away nothing is read here; the poll asks again.
    const replies = await pipeline.exec().catch(() => null);
    replies?.forEach(([, json], index) => tell(waiting, ids[index] ?? "", parse(json as string | null)));
  }
  waiting.reading = false;
}

function tell(waiting: Waiting, jobId: string, result: GenerationResult | null): void {
  if (result === null) return;
  for (const listener of waiting.listeners.get(jobId) ?? []) listener(result);
}

/** Asks for a batch of the awaited records at a time, all of them in turn. */
function pollInTurns(waiting: Waiting): NodeJS.Timeout {
  let position = 0;
  return setInterval(() => {
    const ids = [...waiting.listeners.keys()];
    if (position >= ids.length) position = 0;
    for (const jobId of ids.slice(position, position + BATCH)) announce(waiting, jobId);
    position += BATCH;
  }, POLL_MS).unref();
}
