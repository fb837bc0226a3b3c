import { configFileSchema, type ConfigFile } from "../src/config/config-file.ts";
import type { ConfiguredLimit } from "./worker-program.ts";

/**
 * A configuration file with these limits and defaults for the rest. The only place here that knows how limits are
 * configured: until the schema has the section, they are put beside what it returns.
 */
export function configFileWith(limits: readonly ConfiguredLimit[]): ConfigFile {
  const defaults: ConfigFile = configFileSchema.parse({});
  return "limits" in defaults ? configFileSchema.parse({ limits }) : Object.assign(defaults, { limits });
}
