import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createSbom } from "../scripts/write-sbom.ts";

/* What is installed is what was looked at: exact versions, hashes, no other registry, no script that nobody allowed. */

interface LockedPackage {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

interface PackageFile {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

const ROOT = join(import.meta.dirname, "..");
const { packages } = readJson("package-lock.json") as { packages: Readonly<Record<string, LockedPackage>> };
const { dependencies, devDependencies, overrides, allowScripts } = readJson("package.json") as PackageFile;
/** The first entry is the project itself. */
const LOCKED = Object.entries(packages).filter(([path]) => path !== "");

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, name), "utf8"));
}

/** `node_modules/a/node_modules/@b/c` → `@b/c` */
function nameOf(path: string): string {
  return path.replace(/^.*node_modules\//, "");
}

it("package.json names exact versions", () => {
  const versions = Object.entries({ ...dependencies, ...devDependencies, ...overrides });
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

it("the lock file has a hash for every package, and no other registry than npm's", () => {
  expect(LOCKED.length).toBeGreaterThan(100);
  expect(LOCKED.filter(([, { integrity }]) => integrity?.startsWith("sha512-") !== true)).toEqual([]);
  expect(
    LOCKED.filter(([, { resolved }]) => resolved !== undefined),
    "where it comes from is npm's to know",
  ).toEqual([]);
});

it("every package with an install script is allowed or refused by name", () => {
  const withScript = LOCKED.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) =>
    nameOf(path),
  );
  expect([...new Set(withScript)].sort()).toEqual(Object.keys(allowScripts).sort());
});

it(
  "the bill of materials has every package of a production installation, with its version",
  { timeout: 60_000 },
  () => {
    const sbom = createSbom();
    expect(sbom).toMatchObject({
      bomFormat: "CycloneDX",
      metadata: { component: { name: "@puppet-engine/generation-worker" } },
    });
    const listed = sbom.components.map(({ name, version }) => `${name}@${version}`);
    const installed = LOCKED.filter(([, { dev }]) => dev !== true).map(
      ([path, { version }]) => `${nameOf(path)}@${version}`,
    );
    expect([...new Set(listed)].sort()).toEqual([...new Set(installed)].sort());
    for (const [name, version] of Object.entries(dependencies)) expect(listed).toContain(`${name}@${version}`);
    expect(sbom.components.filter((component) => !("hashes" in component))).toEqual([]);
  },
);
