import { completionAnswer, type RecordedAnswer } from "../recorded-answers.ts";

/** A provider that answers nobody before it is told to. */
export interface HeldAnswers {
  answer(): Promise<RecordedAnswer>;
  release(): void;
}

export function heldAnswers(): HeldAnswers {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    answer: async () => {
      await promise;
      return completionAnswer();
    },
    release: () => resolve(),
  };
}
