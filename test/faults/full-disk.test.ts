import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { openCliSession } from "../support/cli-session.ts";

const run = promisify(execFile);
const ROWS = 100;

async function canMount(): Promise<boolean> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  return await run("unshare", ["--mount", "true"]).then(
    () => true,
    () => false,
  );
}

/** A file system of a few kilobytes, which can grow. */
async function mountSmallDisk(path: string): Promise<AsyncDisposable & { readonly grow: () => Promise<void> }> {
  await mkdir(path);
  await run("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", path]);
  return {
    grow: async () => void (await run("mount", ["-o", "remount,size=16m", path])),
    [Symbol.asyncDispose]: async () => void (await run("umount", ["--lazy", path])),
  };
}

const HAS_DISKS = await canMount();
const WITHOUT_DISKS = HAS_DISKS ? "" : " (skipped: only root on Linux can mount a small disk)";

it.skipIf(!HAS_DISKS)(
  `fault 37: the disk of a bulk run's output is full: it says so, ends with 1, and is resumed without a line lost or doubled${WITHOUT_DISKS}`,
  async () => {
    await using cli = await openCliSession({ env: { PUPPET_ENGINE_CONFIG: "config.json" } });
    await cli.write("config.json", { fake: { latencyMs: { min: 1, max: 5 } } });
    await using disk = await mountSmallDisk(join(cli.folder, "disk"));
    const rows = Array.from({ length: ROWS }, (_, index) => `r-${index},echo,topic ${index}\n`).join("");
    await cli.write("rows.csv", `id,agent,topic\n${rows}`);
    const command = ["bulk", "rows.csv", "--out", "disk/out.jsonl", "--worker"] as const;
    const failed = await cli.run(...command);
    expect(failed.code, failed.stderr).toBe(1);
    expect(failed.stderr).toContain("error: disk/out.jsonl.part: got a disk that is full (ENOSPC); expected");
    expect(failed.stderr).toContain("puppet-engine bulk rows.csv --out disk/out.jsonl --resume --worker");
    await expect(cli.read("disk/out.jsonl"), "nothing has the output's name yet").rejects.toThrow("ENOENT");
    await disk.grow();
    const resumed = await cli.run(...command, "--resume");
    expect(resumed.code, resumed.stderr).toBe(0);
    const lines = await cli.readLines("disk/out.jsonl");
    expect(lines).toHaveLength(ROWS);
    expect(new Set(lines.map(({ id }) => id))).toEqual(
      new Set(Array.from({ length: ROWS }, (_, index) => `r-${index}`)),
    );
  },
  90_000,
);
