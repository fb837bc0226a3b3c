import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * Writes a software bill of materials: the packages that a production installation has, with their exact versions and hashes,
 * as the lock file has them. CycloneDX; asks no registry.
 */

const ROOT = join(import.meta.dirname, "..");
const DEFAULT_FILE = "out/sbom.cdx.json";
/** Of some hundred packages with their licences and hashes. */
const MOST_BYTES = 64 * 2 ** 20;

interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly properties?: readonly { readonly name: string }[];
}

interface Sbom {
  readonly metadata: { readonly component: object };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

export function createSbom(): Sbom {
  const sbom = askNpm();
  const components = sbom.components.filter((component) => !isForDevelopment(component));
  const { name } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { name: string };
  // npm calls it as the folder is called.
  const metadata = { ...sbom.metadata, component: { ...sbom.metadata.component, name } };
  return { ...sbom, metadata, components, dependencies: dependenciesAmong(components, sbom) };
}

/** Not with `--omit dev`: npm 11 then leaves packages out that production needs, such as zod, when development needs them too. */
function askNpm(): Sbom {
  const args = ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only", "--loglevel", "error"];
  const { status, stdout, stderr, error } = spawnSync("npm", args, {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: MOST_BYTES,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`npm sbom ended with ${status}:\n${stderr}`);
  return JSON.parse(stdout) as Sbom;
}

function isForDevelopment({ properties = [] }: Component): boolean {
  return properties.some(({ name }) => name === "cdx:npm:package:development");
}

function dependenciesAmong(kept: readonly Component[], { components: all, dependencies }: Sbom): Sbom["dependencies"] {
  const removed = new Set(all.filter((one) => !kept.includes(one)).map((component) => component["bom-ref"]));
  return dependencies
    .filter(({ ref }) => !removed.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => !removed.has(one)) }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const file = resolve(ROOT, process.argv[2] ?? DEFAULT_FILE);
  const sbom = createSbom();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(sbom, null, 2)}\n`);
  console.log(`${file}: ${sbom.components.length} packages`);
}
