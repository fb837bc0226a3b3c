import { Option, type Command } from "commander";
import type { JobInput } from "../job/generation-job.ts";
import type { JsonObject } from "../job/json-value.ts";
import { listenForShutdown } from "../platform/shutdown.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { deadline, keyValue, list, positiveInteger } from "./options.ts";
import { awaitResult } from "./await-result.ts";
import type { AddCommand } from "./command.ts";
import { openWorkplace } from "./workplace.ts";

interface EnqueueOptions {
  readonly agent?: string;
  readonly id?: string;
  readonly urgency?: "reply" | "scheduled" | "bulk";
  readonly deadline?: string | number;
  readonly context?: Readonly<Record<string, string>>;
  readonly wait?: boolean;
  readonly follow?: boolean;
  readonly worker?: boolean;
  readonly fake?: boolean;
  readonly json?: boolean;
  readonly topic?: string;
  readonly mood?: string;
  readonly recentEvent?: readonly string[];
  readonly mention?: string;
  readonly history?: readonly string[];
  readonly quoted?: string;
  readonly author?: string;
  readonly posts?: number;
  readonly cache?: boolean;
  readonly delivery?: "live" | "batch";
  readonly prompt?: string;
  readonly audience?: string;
  readonly style?: string;
}

export const enqueueCommand: AddCommand = (program, end) => {
  const enqueue = program
    .command("enqueue")
    .description("enqueue one job: a tweet, a reply, a quote, a thread or other content");
  const run = async (input: (options: EnqueueOptions) => JobInput, options: EnqueueOptions): Promise<void> =>
    end(await enqueueOne(input(options), options));
  common(enqueue.command("tweet"), true)
    .description("a post about what the context says")
    .option("--topic <text>", "what it is about")
    .option("--mood <text>", "the agent's mood")
    .option("--recent-event <text>", "something that happened lately; repeatable", list)
    .action(async (options: EnqueueOptions) => await run(tweet, options));
  common(enqueue.command("reply"), true)
    .description("an answer to somebody's post")
    .requiredOption("--mention <text>", "the post to answer")
    .option("--history <text>", "an earlier message of the conversation, oldest first; repeatable", list)
    .action(async (options: EnqueueOptions) => await run(reply, options));
  common(enqueue.command("quote"), true)
    .description("a post that quotes somebody's post")
    .requiredOption("--quoted <text>", "the post to quote")
    .option("--author <handle>", "whose post it is")
    .action(async (options: EnqueueOptions) => await run(quote, options));
  common(enqueue.command("thread"), true)
    .description("several posts that belong together")
    .option("--posts <n>", "how many, 2–25 (default: 4)", positiveInteger)
    .option("--topic <text>", "what it is about")
    .option("--mood <text>", "the agent's mood")
    .option("--recent-event <text>", "something that happened lately; repeatable", list)
    .action(async (options: EnqueueOptions) => await run(thread, options));
  common(enqueue.command("content"), false)
    .description("any other text")
    .requiredOption("--prompt <text>", "what to write")
    .option("--audience <text>", "for whom")
    .option("--style <text>", "how")
    .action(async (options: EnqueueOptions) => await run(content, options));
};

function common(command: Command, needsAgent: boolean): Command {
  if (needsAgent) command.requiredOption("--agent <id>", "whose voice");
  else command.option("--agent <id>", "whose voice (default: a neutral writer)");
  return command
    .option("--id <id>", "A–Z a–z 0–9 _ -; the same id and content are run once (default: a random id)")
    .option("--context <name=value>", "anything else the text should take into account; repeatable", keyValue)
    .addOption(
      new Option("--urgency <class>", "who goes first (default: reply for replies, else scheduled)").choices([
        "reply",
        "scheduled",
        "bulk",
      ]),
    )
    .option("--cache", "take an earlier answer to the very same request, if there is one")
    .option("--no-cache", "take none, whatever the agent says")
    .addOption(
      new Option("--delivery <how>", "batch: through the vendor's batch API, at half the price, within a day").choices([
        ...["live", "batch"],
      ]),
    )
    .option("--deadline <when>", "do not write it later: a time with its zone, or 90s, 10m, 2h, 1d from now", deadline)
    .option("--wait", "wait for the text and print it")
    .option("--follow", "print the text while it is written (implies --wait)")
    .option("--worker", "run a worker in this process until the text is there (implies --wait)")
    .option("--fake", "replace providers without a key by the fake one")
    .option("--json", "print JSON");
}

function head(options: EnqueueOptions): Pick<JobInput, "id" | "urgency" | "deadline" | "delivery" | "cache"> {
  const { id, urgency, deadline: until, delivery, cache } = options;
  return {
    ...(id === undefined ? {} : { id }),
    ...(urgency === undefined ? {} : { urgency }),
    ...(until === undefined ? {} : { deadline: until }),
    ...(delivery === undefined ? {} : { delivery }),
    ...(cache === undefined ? {} : { cache }),
  };
}

function withoutAbsent(
  fields: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, string | readonly string[]> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string | readonly string[]] => entry[1] !== undefined),
  );
}

function tweet(options: EnqueueOptions): JobInput {
  return { kind: "tweet", agent: options.agent ?? "", ...head(options), context: topicContext(options) };
}

function thread(options: EnqueueOptions): JobInput {
  const { posts, agent = "" } = options;
  const length = posts === undefined ? {} : { posts };
  return { kind: "thread", agent, ...length, ...head(options), context: topicContext(options) };
}

function topicContext({ topic, mood, recentEvent, context }: EnqueueOptions): JsonObject {
  return withoutAbsent({ topic, mood, recent_events: recentEvent, ...context });
}

function quote(options: EnqueueOptions): JobInput {
  const { quoted = "", author = null, context = {}, agent = "" } = options;
  return { kind: "quote", agent, quoted, author, ...head(options), context };
}

function reply(options: EnqueueOptions): JobInput {
  const { mention = "", history = [], context = {}, agent = "" } = options;
  return { kind: "reply", agent, mention, conversation_history: [...history], ...head(options), context };
}

function content(options: EnqueueOptions): JobInput {
  const { prompt = "", audience, style, context, agent } = options;
  return {
    kind: "content",
    prompt,
    ...(agent === undefined ? {} : { agent }),
    ...head(options),
    context: withoutAbsent({ audience, style, ...context }),
  };
}

async function enqueueOne(input: JobInput, options: EnqueueOptions): Promise<ExitCode> {
  const { worker: withWorker = false, follow = false, fake = false, json = false } = options;
  const wait = options.wait === true || withWorker || follow;
  using signals = listenForShutdown();
  await using workplace = await openWorkplace({ fake });
  if (withWorker) workplace.requireKeys([input.agent]);
  await using producer = workplace.producer();
  const job = await producer.enqueue(input);
  if (!wait) {
    console.log(json ? JSON.stringify(job) : `${job.id} ${job.status} in lane ${job.lane}`);
    return EXIT.ok;
  }
  if (follow) await workplace.hintIfNotStreamed(job.id);
  await using worker = withWorker ? await workplace.worker({ quiet: "error", force: signals.forced }) : undefined;
  if (worker === undefined) await workplace.hintIfNoWorker();
  await workplace.hintIfPaused();
  const result = await awaitResult(producer, job.id, { follow, json, signal: signals.requested });
  if (result === null) return interrupted(job.id);
  return result.status === "succeeded" ? EXIT.ok : EXIT.jobsFailed;
}

function interrupted(id: string): ExitCode {
  console.error(`interrupted: the job goes on; ask for its text with: puppet-engine result ${id} --wait`);
  return EXIT.interrupted;
}
