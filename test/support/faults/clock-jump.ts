import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findFaketime } from "../../../scripts/faketime.ts";
import { makeTempFolder } from "../temp-folder.ts";

const LIBRARY = findFaketime();

/** For the titles of tests that are skipped without it. */
export const WITHOUT_FAKETIME = LIBRARY === null ? " (skipped: no libfaketime; npm run setup:faketime)" : "";

/** The clock of the programs that are started with `env`. */
export interface SettableClock extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  /** Sets it to the machine's own, and so much. Durations go on as if nothing had happened, as on a real machine. */
  set(aheadSeconds: number): Promise<void>;
}

export async function openSettableClock(): Promise<SettableClock> {
  if (LIBRARY === null) throw new Error("no libfaketime: run npm run setup:faketime");
  const folder = await makeTempFolder();
  const file = join(folder.path, "offset");
  const set = async (aheadSeconds: number): Promise<void> => {
    // Whole at any moment: it is read with every look at the clock.
    await writeFile(`${file}.new`, `${aheadSeconds < 0 ? "" : "+"}${aheadSeconds}`);
    await rename(`${file}.new`, file);
  };
  await set(0);
  return {
    env: {
      // Debian's Redis brings an allocator that asks for the time before libfaketime is ready: the usual one comes first.
      LD_PRELOAD: `${LIBRARY}:libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      // The first is what versions before 0.9.8 ask for.
      DONT_FAKE_MONOTONIC: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    set,
    [Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose](),
  };
}
