import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openOutput } from "../bulk/output-file.ts";
import type { OutputLine } from "../bulk/output-line.ts";
import { checkInput } from "../bulk/check-input.ts";
import { loadAgents } from "../agents/load-agents.ts";
import { compileOptions } from "../compose.ts";
import { loadConfig, type Config } from "../config/load-config.ts";
import { packageRoot } from "../platform/package-root.ts";
import { showRedisAddress } from "../platform/redis.ts";
import { InvalidInputError } from "../platform/problem.ts";
import { aborted, listenForShutdown } from "../platform/shutdown.ts";
import type { RunningMonitor } from "../compose-monitor.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { AddCommand } from "./command.ts";
import { followBulk } from "./follow-bulk.ts";
import { RunUsage } from "./run-usage.ts";
import { usageTable } from "./tables.ts";
import { openWorkplace, type Workplace } from "./workplace.ts";

const EXAMPLES = join(packageRoot(), "examples");
/** A fake call takes as long as a fast model would, so that there is something to see. */
const FAKE_LATENCY_MS = { min: 150, max: 900 };
const DEMO_CONCURRENCY = 8;
const SHOWN_TWEETS = 6;

export const demoCommand: AddCommand = (program, end) => {
  program
    .command("demo")
    .description("write a tweet for each of the example topics, with a worker and a Redis of its own; needs no key")
    .option("--keep", "leave the monitor running until Ctrl-C, to look around")
    .action(async ({ keep = false }: { keep?: boolean }) => end(await demo(keep)));
};

async function demo(keep: boolean): Promise<ExitCode> {
  using signals = listenForShutdown();
  const loaded = loadConfig();
  const config: Config = {
    ...loaded,
    agentsDirectory: join(EXAMPLES, "agents"),
    usesExampleAgents: false,
    providers: {
      ...loaded.providers,
      settings: {
        ...loaded.providers.settings,
        fake: { options: { ...loaded.file.fake, latencyMs: FAKE_LATENCY_MS } },
      },
    },
  };
  await using workplace = await openWorkplace({ config, fake: true });
  await using monitor = await openMonitor(workplace);
  await introduce(workplace, monitor.url);
  const input = join(EXAMPLES, "topics.csv");
  const source = { input, agent: null, knownAgents: new Set(workplace.agents.keys()) };
  const { rows, repeats } = await checkInput(source);
  console.log(
    `Enqueuing ${rows} topics from examples/topics.csv for ${workplace.agents.size} agents, and working them off:\n`,
  );
  const folder = await mkdtemp(join(tmpdir(), "puppet-engine-demo-"));
  try {
    const out = join(folder, "tweets.jsonl");
    const output = await openOutput(out, {
      manifest: { runId: `demo-${process.pid}-${Date.now().toString(36)}`, input, agent: null },
      resume: false,
      force: false,
    });
    const usage = new RunUsage();
    const options = { worker: true, concurrency: DEMO_CONCURRENCY };
    const checked = { ...source, repeats };
    const { progress } = await followBulk({ workplace, output, usage, rows, signals, source: checked, options });
    await output.complete();
    if (signals.requested.aborted) return EXIT.interrupted;
    await printTweets(out);
    console.log(`\n${usageTable("provider", usage.by("provider"))}\n${usageTable("agent", usage.by("agent"))}`);
    printNextSteps();
    if (keep) await lookAround(monitor.url, signals.requested);
    return progress.failed > 0 ? EXIT.jobsFailed : EXIT.ok;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** At the usual address or, when that is taken, at any that is free. */
async function openMonitor(workplace: Workplace): Promise<RunningMonitor> {
  return await workplace.monitor({}).catch(async (error: unknown) => {
    if (!(error instanceof InvalidInputError)) throw error;
    return await workplace.monitor({ host: "127.0.0.1", port: 0 });
  });
}

async function lookAround(url: string, signal: AbortSignal): Promise<void> {
  console.log(`\nThe monitor stays at ${url} until Ctrl-C.`);
  await aborted(signal);
}

async function introduce({ config, redis }: Workplace, monitorUrl: string): Promise<void> {
  console.log("Puppet Engine demo");
  console.log(
    `  Redis      ${redis.embeddedIn === null ? showRedisAddress(redis.address) : `our own, append-only, in ${redis.embeddedIn}`}`,
  );
  console.log(`  Monitor    ${monitorUrl}`);
  for (const line of await describeProviders(config)) console.log(`  ${line}`);
  console.log("");
}

/** Of the providers that the example agents name, whether they are called. */
async function describeProviders(config: Config): Promise<string[]> {
  const { agents } = await loadAgents(config.agentsDirectory, compileOptions(config));
  const used = new Set([...agents.values()].flatMap(({ chain }) => chain.map(({ provider }) => provider)));
  const { definitions, missingKeys } = config.providers;
  return [...used].flatMap((provider) => {
    const variables = missingKeys.get(provider);
    const needsKey = definitions.find(({ id }) => id === provider)?.needsKey === true;
    if (!needsKey) return [];
    const what =
      variables === undefined
        ? "key found: real calls are made, and paid"
        : `no key (${variables.join(" or ")}): the FAKE provider takes its place; texts are made up, nothing is paid`;
    return [`${provider.padEnd(10)} ${what}`];
  });
}

async function printTweets(path: string): Promise<void> {
  const lines = (await readFile(path, "utf8"))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as OutputLine);
  const step = Math.max(1, Math.floor(lines.length / SHOWN_TWEETS));
  console.log("\nSome of the tweets:");
  for (const line of lines.filter((_, index) => index % step === 0).slice(0, SHOWN_TWEETS)) {
    console.log(`  ${line.agent.padEnd(8)} ${(line.text ?? `${line.status}: ${line.error}`).replace(/\s+/g, " ")}`);
  }
}

function printNextSteps(): void {
  console.log(`
Next:
  npm run puppet-engine -- enqueue tweet --agent ada --topic "the smell of rain" --worker --fake
  npm run puppet-engine -- bulk examples/topics.csv --out tweets.jsonl --worker --fake
  npm run puppet-engine -- usage --by agent
  npm run demo -- --keep                       the same again, and the monitor stays
With OPENAI_API_KEY or GROK_API_KEY in .env (see .env.example) the same commands call the real providers; Claude, Gemini,
local models and endpoints of your own are set up as docs/providers.md says.`);
}
