import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Where `npm run setup:faketime` unpacks it. */
const UNPACKED = join(import.meta.dirname, "..", ".puppet-engine", "faketime");
/** The variant for programs with threads. */
const LIBRARY = join("faketime", "libfaketimeMT.so.1");

/** The library, installed or unpacked in the folder; `null`: neither. */
export function findFaketime(unpackedIn = UNPACKED): string | null {
  for (const libraries of ["/usr/lib", join(unpackedIn, "usr", "lib")]) {
    // The package's own folder bears the machine's architecture.
    const folders = existsSync(libraries) ? readdirSync(libraries) : [];
    const found = ["", ...folders].map((folder) => join(libraries, folder, LIBRARY)).find((file) => existsSync(file));
    if (found !== undefined) return found;
  }
  return null;
}
