import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where Prometheus and its tool are. */
export interface PrometheusPrograms {
  readonly prometheus: string;
  readonly promtool: string;
}

/** Where `npm run setup:prometheus` puts them. */
const UNPACKED = join(import.meta.dirname, "..", ".puppet-engine", "prometheus", "usr", "bin");

/** Installed in a folder of `path`, or unpacked in the project's own; `null`: neither. */
export function findPrometheus(path: string): PrometheusPrograms | null {
  const folders = [...path.split(delimiter).filter((folder) => folder !== ""), UNPACKED];
  const home = folders.find((folder) => ["prometheus", "promtool"].every((name) => isExecutable(join(folder, name))));
  return home === undefined ? null : { prometheus: join(home, "prometheus"), promtool: join(home, "promtool") };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
