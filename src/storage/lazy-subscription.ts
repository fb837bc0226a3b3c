import { openSubscriber, type RedisClient } from "../platform/redis-client.ts";

/** One connection for all who wait or follow, opened by the first. */
export interface LazySubscription {
  /** `start` has succeeded: messages of the first channel are heard. */
  isOpen(): boolean;
  start(): Promise<void>;
  /** Hears a further channel as well, until `leave`. */
  listen(channel: string): Promise<void>;
  leave(channel: string): void;
  stop(): void;
}

export interface SubscriptionOptions {
  /** Heard from the start. */
  readonly channel: string;
  readonly onMessage: (channel: string, message: string) => void;
}

export function lazySubscription(redis: RedisClient, { channel, onMessage }: SubscriptionOptions): LazySubscription {
  let subscriber: RedisClient | undefined;
  let subscribed: Promise<unknown> | undefined;
  let isOpen = false;
  const open = (): RedisClient => {
    const opened = openSubscriber(redis);
    opened.on("message", onMessage);
    return opened;
  };
  const start = async (): Promise<void> => {
    subscriber ??= open();
    subscribed ??= subscriber.subscribe(channel).catch((error: unknown) => {
      subscribed = undefined;
      throw error;
    });
    await subscribed;
    isOpen = true;
  };
  return {
    isOpen: () => isOpen,
    start,
    async listen(further) {
      await start();
      await subscriber?.subscribe(further);
    },
    leave: (further) => void subscriber?.unsubscribe(further).catch(() => undefined),
    stop: () => subscriber?.disconnect(),
  };
}
