import { randomBytes } from "node:crypto";
import { InvalidArgumentError } from "commander";
import { expectedAgent } from "../agents/load-agents.ts";
import { compareResults } from "../compare/comparison.ts";
import { planComparison, type ComparisonPlan } from "../compare/plan.ts";
import { jobsOfTopics, readComparedJobs, type JobLimits } from "../compare/read-jobs.ts";
import { checkReportFile, writeReportFile } from "../compare/report-file.ts";
import { reportJson } from "../compare/report-json.ts";
import { renderReport } from "../compare/report.ts";
import { checkRetired } from "../compare/retired-targets.ts";
import { parseTargets } from "../compare/targets.ts";
import type { ParsedJobInput } from "../job/generation-job.ts";
import { systemClock } from "../platform/clock.ts";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import { listenForShutdown } from "../platform/shutdown.ts";
import { announce } from "./announce-comparison.ts";
import type { AddCommand } from "./command.ts";
import { readScores } from "./compare-scores.ts";
import { compareTable } from "./compare-table.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { followComparison } from "./follow-comparison.ts";
import { list, positiveInteger } from "./options.ts";
import { shellWord } from "../platform/shell-word.ts";
import { openWorkplace, type Workplace } from "./workplace.ts";

interface CompareOptions {
  readonly models: readonly string[];
  readonly agent?: string;
  readonly topic?: readonly string[];
  readonly worker?: boolean;
  readonly fake?: boolean;
  readonly name?: string;
  readonly limit?: number;
  readonly html?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export const compareCommand: AddCommand = (program, end) => {
  program
    .command("compare [input]")
    .description("the same jobs by several models side by side: latency, tokens, cost and texts")
    .requiredOption("--models <provider/model,…>", "what to compare; repeatable", list)
    .option("--agent <id>", "who writes about the topics; with a file: for rows that name no agent")
    .option("--topic <text>", "a job without a file: a tweet about this; repeatable", list)
    .option("--limit <n>", "only the first n jobs", positiveInteger)
    .option("--name <name>", "the same name again finds the texts that are there (default: a random one)", runName)
    .option("--html <file>", "write a report as one HTML file")
    .option("--force", "replace an existing report")
    .option("--worker", "run a worker in this process; otherwise running workers do it")
    .option("--fake", "replace providers without a key by the fake one")
    .option("--json", "print everything as JSON, texts included, and no progress")
    .addHelpText(
      "after",
      `
Jobs come from a file of rows as \`bulk\` takes them (.csv or .jsonl), or from --agent and --topic. Each is written by every
model, with the agent's prompt and parameters and without its fall-backs. Under the same --name a text is paid once.

  $ puppet-engine compare --models openai/gpt-6-luna,grok/grok-4.3 --agent ada --topic tea --topic rain --worker
  $ puppet-engine compare topics.csv --limit 10 --models openai/gpt-6-luna,grok/grok-4.3 --html report.html --worker`,
    )
    .action(async (input: string | undefined, options: CompareOptions) => end(await compare(input, options)));
};

const LONGEST_NAME_CHARACTERS = 40;

function runName(value: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(value) && value.length <= LONGEST_NAME_CHARACTERS) return value;
  throw new InvalidArgumentError(`Expected 1–${LONGEST_NAME_CHARACTERS} characters of A–Z a–z 0–9 _ -.`);
}

async function compare(input: string | undefined, options: CompareOptions): Promise<ExitCode> {
  const { worker: withWorker = false, json = false, html, force = false } = options;
  using signals = listenForShutdown();
  if (html !== undefined) await checkReportFile(html, { force });
  await using workplace = await openWorkplace();
  const name = options.name ?? `c${randomBytes(4).toString("hex")}`;
  const plan = await makePlan({ input, name, options, workplace });
  announce(plan, options, workplace);
  const results = await followComparison(plan, { workplace, signals, withWorker, silent: json });
  const finished = results.filter((result) => result !== null);
  if (finished.length < results.length) {
    console.error("interrupted. What is enqueued stays so, for whatever worker runs; go on with:");
    console.error(`  ${commandLine(input, { ...options, name })}`);
    return EXIT.interrupted;
  }
  const scores = await readScores(
    workplace,
    plan.texts.map(({ id }) => id),
  );
  const outcomes = finished.map((result, index) => ({ result, score: scores[index] ?? null }));
  const areWritten = finished.every(({ status }) => status === "succeeded");
  const comparison = compareResults(plan, outcomes);
  if (html !== undefined) await writeReportFile(html, renderReport(comparison));
  if (json) console.log(reportJson(comparison));
  else {
    console.log(compareTable(comparison));
    if (html !== undefined) console.log(`texts side by side: ${html}`);
    for (const line of againLines(input, { ...options, name }, areWritten)) console.log(line);
  }
  return areWritten ? EXIT.ok : EXIT.jobsFailed;
}

interface PlanParts {
  readonly input: string | undefined;
  readonly name: string;
  readonly options: CompareOptions;
  readonly workplace: Workplace;
}

async function makePlan({ input, name, options, workplace }: PlanParts): Promise<ComparisonPlan> {
  const { agents, defaultAgent, config } = workplace;
  const { missingKeys, catalogue } = config.providers;
  const targets = parseTargets(options.models, {
    knownProviders: config.providers.definitions.map(({ id }) => id),
    replaced: new Set(options.fake === true ? missingKeys.keys() : []),
  });
  const { retiredModels } = config.file;
  const retired = checkRetired(targets, { catalogue, retiredModels, now: systemClock.now() });
  const limits = { limit: options.limit ?? null, models: targets.length };
  const jobs = await readJobs(input, options, { workplace, limits });
  const agentOf = (id: string | undefined) => (id === undefined ? defaultAgent : (agents.get(id) ?? defaultAgent));
  const plan = planComparison({ name, jobs, targets, agentOf });
  return { ...plan, notes: [...retired, ...plan.notes] };
}

async function readJobs(
  input: string | undefined,
  { agent, topic: topics = [] }: CompareOptions,
  { workplace: { agents }, limits }: { workplace: Workplace; limits: JobLimits },
): Promise<readonly ParsedJobInput[]> {
  if (agent !== undefined && !agents.has(agent))
    refuse("--agent", showValue(agent), expectedAgent(agent, agents.keys()));
  if (input !== undefined) {
    if (topics.length > 0) refuse("--topic", "topics and a file", "one of them");
    return await readComparedJobs({ input, agent: agent ?? null, knownAgents: new Set(agents.keys()) }, limits);
  }
  if (topics.length === 0) refuse("jobs", "nothing", "a file of jobs, or --agent and --topic");
  return agent === undefined
    ? refuse("--agent", "nothing", `with --topic, ${expectedAgent("", agents.keys())}`)
    : jobsOfTopics(topics, agent, limits);
}

function refuse(source: string, got: string, expected: string): never {
  throw new InvalidInputError([{ source, path: "", got, expected }]);
}

type NamedOptions = CompareOptions & { readonly name: string };

/** How to come back to it. @param areWritten false: some texts failed, and stay so under their name */
function againLines(input: string | undefined, options: NamedOptions, areWritten: boolean): string[] {
  if (!areWritten) return [`under --name ${options.name} what failed stays so: another --name tries it again`];
  // The report is there by then.
  const command = commandLine(input, options.html === undefined ? options : { ...options, force: true });
  return ["this shows it again, and costs nothing:", `  ${command}`];
}

function commandLine(input: string | undefined, options: NamedOptions): string {
  const { models, agent, topic = [], limit, name, html, force, worker, fake, json } = options;
  const flags = [
    ...["--models", models.join(",")],
    ...(agent === undefined ? [] : ["--agent", agent]),
    ...topic.flatMap((text) => ["--topic", text]),
    ...(limit === undefined ? [] : ["--limit", String(limit)]),
    ...["--name", name],
    ...(html === undefined ? [] : ["--html", html]),
    ...Object.entries({ force, worker, fake, json }).flatMap(([flag, isSet]) => (isSet === true ? [`--${flag}`] : [])),
  ];
  return ["puppet-engine", "compare", ...(input === undefined ? [] : [input]), ...flags].map(shellWord).join(" ");
}
