import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadConfig, type Config } from "../../../src/config/load-config.ts";
import { InvalidInputError } from "../../../src/platform/problem.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

export interface Sources {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Files in the folder where the program runs, `.env` among them. */
  readonly files?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  /** Epoch ms; default: now. */
  readonly now?: number;
}

/** Loads the configuration in a folder of its own. */
export async function load(sources: Sources = {}): Promise<Config> {
  const { environment = {}, files = {}, isTerminal = false, now = Date.now() } = sources;
  await using folder = await makeTempFolder();
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder.path, name), content);
  return loadConfig({ environment, directory: folder.path, isTerminal, now });
}

/** The lines of the error that the sources are refused with. */
export async function refusal(sources: Sources): Promise<string[]> {
  try {
    await load(sources);
  } catch (error) {
    if (error instanceof InvalidInputError) return error.message.split("\n");
    throw error;
  }
  return ["accepted"];
}

/** As `refusal`, of an environment alone. */
export async function refusalOf(environment: Readonly<Record<string, string>>): Promise<string[]> {
  return await refusal({ environment });
}
