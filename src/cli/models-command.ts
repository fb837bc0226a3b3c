import type { Agent } from "../agents/agent.ts";
import { loadAgents } from "../agents/load-agents.ts";
import { compileOptions } from "../compose.ts";
import { loadConfig, type Config } from "../config/load-config.ts";
import { createPrices } from "../models/prices.ts";
import { systemClock } from "../platform/clock.ts";
import { oneOf } from "../platform/one-of.ts";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import type { AddCommand } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { modelRows, type ModelRow } from "./model-rows.ts";
import { modelsFootnotes, modelsTable } from "./models-table.ts";

interface ModelsOptions {
  readonly provider?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

export const modelsCommand: AddCommand = (program, end) => {
  program
    .command("models")
    .description("the models that are known: speed, quality, cost, context, price and end")
    .option("--provider <id>", "only those of one provider")
    .option("--all", "retired models too")
    .option("--json", "print JSON: every fact, with its source and the day on which it was read")
    .addHelpText(
      "after",
      `
Which model shall an agent name? Begin with the cheapest whose quality you accept, marked * where a provider has a
default; "best for" tells what the dearer ones add. An agent names its model as "model" in "llm_config".
"window" is the context: how many tokens input and output may have together. "in/out" is the price in USD per million
tokens; long inputs can cost more, which --json tells. The source of a price is a page and the day on which it was read,
or a library and its version.
Needs no key, no Redis and no network: the facts come with the program, and the configuration file can change them.

  $ puppet-engine models --provider openai
  $ puppet-engine models --all --json | jq '.[] | select(.status == "retired") | [.model, .replacement]'`,
    )
    .action(async (options: ModelsOptions) => {
      await showModels(options);
      end(EXIT.ok);
    });
};

async function showModels({ provider, all = false, json = false }: ModelsOptions): Promise<void> {
  const config = loadConfig();
  const { providers, file } = config;
  const known = providers.definitions.map(({ id }) => id);
  if (provider !== undefined && !known.includes(provider))
    throw new InvalidInputError([
      { source: "--provider", path: "", got: showValue(provider), expected: oneOf(provider, known) },
    ]);
  const prices = createPrices({ catalogue: providers.catalogue, overrides: file.prices });
  const rows = modelRows({ providers, prices, agents: await readAgents(config), now: systemClock.now() }).filter(
    (row) => provider === undefined || row.provider === provider,
  );
  const shown = all ? rows : rows.filter(isOfInterest);
  if (json) return console.log(JSON.stringify(shown));
  const titles = new Map(providers.definitions.map(({ id, title }) => [id, title]));
  console.log(modelsTable(shown, titles));
  console.log(modelsFootnotes(shown, { retired: rows.length - shown.length }).join("\n"));
}

/** A retired model that somebody still names must be seen. */
function isOfInterest({ status, isDefault, usedBy }: ModelRow): boolean {
  return status !== "retired" || isDefault || usedBy.length > 0;
}

/** The models can be looked at while agents are wrong. */
async function readAgents(config: Config): Promise<ReadonlyMap<string, Agent>> {
  if (config.usesExampleAgents) return new Map();
  try {
    return (await loadAgents(config.agentsDirectory, compileOptions(config))).agents;
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    console.error("note: the agents cannot be read, so no model is marked as theirs; see `puppet-engine check`");
    return new Map();
  }
}
