/**
 * Tells waiters in this process that what they were granted does not hold any more. Scripts publish
 * `<epoch> <limit group>` when a group was pushed forward or its breaker has opened, `paused <limit group or key>` when
 * one is left alone for a while, and `paused` or `resumed` when an operator said so.
 */
export interface EpochWatch {
  /** `false`: the epoch of the grant is known to be over already, and `onOutdated` will not be called. */
  add(waiter: Waiter): boolean;
  delete(waiter: Waiter): void;
  /** For the subscriber of the channel. */
  onMessage(message: string): void;
}

export interface Waiter {
  readonly limitGroup: string;
  readonly credential: string;
  readonly epoch: number;
  readonly onOutdated: () => void;
}

export function createEpochWatch(): EpochWatch {
  const waiters = new Set<Waiter>();
  const epochs = new Map<string, number>();
  const wake = (isConcerned: (waiter: Waiter) => boolean): void => {
    for (const waiter of [...waiters].filter(isConcerned)) waiter.onOutdated();
  };
  return {
    add(waiter) {
      if ((epochs.get(waiter.limitGroup) ?? 0) > waiter.epoch) {
        // Redis may have lost the last second, that epoch included: the next grant is believed.
        if (waiter.epoch >= 0) epochs.set(waiter.limitGroup, waiter.epoch);
        return false;
      }
      waiters.add(waiter);
      return true;
    },
    delete: (waiter) => void waiters.delete(waiter),
    onMessage(message) {
      const space = message.indexOf(" ");
      if (space === -1) return wake(() => true);
      const name = message.slice(space + 1);
      const epoch = Number(message.slice(0, space));
      if (Number.isNaN(epoch)) return wake(({ limitGroup, credential }) => limitGroup === name || credential === name);
      epochs.set(name, epoch);
      wake((waiter) => waiter.limitGroup === name && waiter.epoch < epoch);
    },
  };
}
