import { createHash } from "node:crypto";
import type { Topic } from "./schedule.ts";

/**
 * The topic of an agent's n-th post: every one once in a round, each round in an order of its own, never one twice in
 * succession. It follows from its arguments alone. Topics that are added leave the order of the others as it is.
 * @param number counts posts from 0
 */
export function topicAt(topics: readonly Topic[], number: number, agentId: string): Topic {
  const count = topics.length;
  if (count === 0) return {};
  const round = Math.floor(number / count);
  return orderOf(topics, round, agentId)[number % count] ?? {};
}

function orderOf(topics: readonly Topic[], round: number, agentId: string): Topic[] {
  // Any other order of two would bring one twice in succession.
  if (topics.length === 2) return shuffled(topics, 0, agentId);
  const order = shuffled(topics, round, agentId);
  if (topics.length < 3 || round === 0) return order;
  // The exchange does not change who is last, so the round before need not be asked how it began.
  const [first, second, ...others] = order;
  const last = shuffled(topics, round - 1, agentId).at(-1);
  return first !== undefined && second !== undefined && first === last ? [second, first, ...others] : order;
}

function shuffled(topics: readonly Topic[], round: number, agentId: string): Topic[] {
  const ranked = topics.map((topic) => {
    const rank = createHash("sha256")
      .update(JSON.stringify([agentId, round, topic]))
      .digest("hex");
    return { topic, rank };
  });
  return ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ topic }) => topic);
}
