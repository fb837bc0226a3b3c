import { styleText } from "node:util";
import { defaultAgent } from "../agents/default-agent.ts";
import { loadAgents, type LoadedAgents } from "../agents/load-agents.ts";
import type { RetiredAgent } from "../agents/retire-models.ts";
import { checkKeys, describeAgents } from "../checks/check-agents.ts";
import { checkModels } from "../checks/check-models.ts";
import { checkProviders } from "../checks/check-providers.ts";
import { checkRedis } from "../checks/check-redis.ts";
import { describeSchedules } from "../checks/check-schedules.ts";
import type { Finding } from "../checks/finding.ts";
import { compileOptions, openRedis } from "../compose.ts";
import { loadConfig, type Config } from "../config/load-config.ts";
import { createPrices } from "../models/prices.ts";
import { systemClock } from "../platform/clock.ts";
import { InvalidInputError, formatProblem } from "../platform/problem.ts";
import { connectRedis, showRedisAddress, withRedis } from "../platform/redis.ts";
import type { AddCommand } from "./command.ts";
import { EXIT } from "./exit-codes.ts";

interface CheckOptions {
  readonly live?: boolean;
  readonly json?: boolean;
}

export const checkCommand: AddCommand = (program, end) => {
  program
    .command("check")
    .description("one report of everything that is wrong or doubtful, with the fix for each")
    .option("--live", "also ask each provider's free list of models (needs the network; costs nothing)")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nLooks at environment and .env, the configuration file, agents and their models, keys, endpoints and Redis.\nExit code 2 when something is wrong, 0 when nothing is or there are only warnings.",
    )
    .action(async (options: CheckOptions) => {
      const findings = await checkEverything(options.live === true);
      if (options.json === true) console.log(JSON.stringify(findings));
      else printReport(findings);
      end(findings.some(({ level }) => level === "error") ? EXIT.usage : EXIT.ok);
    });
};

/** One fault does not hide the others: what can be looked at is looked at. */
async function checkEverything(live: boolean): Promise<Finding[]> {
  const findings: Finding[] = [];
  const config = orFindings("configuration", findings, () => loadConfig());
  if (config === null) return findings;
  findings.push(...config.notes.map((text): Finding => ({ level: "warning", area: "configuration", text })));
  findings.push({
    level: "ok",
    area: "configuration",
    text: `namespace ${config.namespace}, agents in ${config.agentsDirectory}${config.usesExampleAgents ? " (the shipped examples)" : ""}, ${config.concurrency} jobs at once`,
  });
  const { agents, schedules, retired } = await readAgents(config, findings);
  findings.push(...describeAgents(agents), ...describeSchedules(schedules, systemClock.now()));
  findings.push(...checkKeys(agents, config.providers));
  const { catalogue } = config.providers;
  const prices = createPrices({ catalogue, overrides: config.file.prices });
  const writer = readWriter(config, findings);
  const uses = [...retired, ...(writer?.uses ?? [])];
  findings.push(...checkModels({ agents, writer: writer?.agent ?? null, retired: uses, prices, catalogue }));
  findings.push(...(await lookAtRedis(config)));
  if (live) findings.push(...(await checkProviders(config.providers, agents, systemClock.now())));
  return findings;
}

function orFindings<T>(area: Finding["area"], findings: Finding[], load: () => T): T | null {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    findings.push(
      ...error.problems.map((problem): Finding => ({ level: "error", area, text: formatProblem(problem) })),
    );
    return null;
  }
}

async function readAgents(
  config: Config,
  findings: Finding[],
): Promise<Pick<LoadedAgents, "agents" | "schedules" | "retired">> {
  try {
    const loaded = await loadAgents(config.agentsDirectory, compileOptions(config));
    findings.push(...loaded.notes.map((text): Finding => ({ level: "warning", area: "agents", text })));
    return loaded;
  } catch (error) {
    orFindings("agents", findings, () => {
      throw error;
    });
    return { agents: new Map(), schedules: new Map(), retired: [] };
  }
}

/** Nobody writes its file: people know it by what it is for, and by the variable that names its model. */
function readWriter(config: Config, findings: Finding[]): RetiredAgent | null {
  const made = orFindings("agents", findings, () => defaultAgent(compileOptions(config)));
  if (made === null) return null;
  const { provider } = made.agent.chain[0];
  const variable = config.providers.definitions.find(({ id }) => id === provider)?.modelVariable ?? null;
  const id = `jobs without an agent${variable === null ? "" : `: ${variable}`}`;
  return { ...made, agent: { ...made.agent, id }, uses: made.uses.map((use) => ({ ...use, agentId: id })) };
}

async function lookAtRedis(config: Config): Promise<Finding[]> {
  try {
    await using opened = await openRedis(config);
    const redis = connectRedis(opened.address, "producer");
    try {
      const where = opened.embeddedIn === null ? showRedisAddress(opened.address) : `our own, in ${opened.embeddedIn}`;
      const findings = await withRedis(opened.address, () => checkRedis(redis, config.namespace));
      return [{ level: "ok", area: "Redis", text: where }, ...findings];
    } finally {
      redis.disconnect();
    }
  } catch (error) {
    return [{ level: "error", area: "Redis", text: error instanceof Error ? error.message : "not reachable" }];
  }
}

const MARK = { ok: "ok", warning: "warn", error: "ERROR" } as const;
const COLOR = { ok: "green", warning: "yellow", error: "red" } as const;

function printReport(findings: readonly Finding[]): void {
  for (const [area, found] of Map.groupBy(findings, (finding) => finding.area)) {
    console.log(area);
    for (const { level, text, fix } of found) {
      console.log(`  ${styleText(COLOR[level], MARK[level].padEnd(5))}  ${text}`);
      if (fix !== undefined) console.log(`         fix: ${fix}`);
    }
  }
  const count = (level: Finding["level"]): number => findings.filter((finding) => finding.level === level).length;
  console.log(`\n${count("error")} wrong, ${count("warning")} doubtful, ${count("ok")} fine`);
}
