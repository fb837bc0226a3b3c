import { expect, it } from "vitest";
import { openCliSession } from "../support/cli-session.ts";

it("asks for --yes, shows what would go, does it, and has nothing left to do", async () => {
  await using cli = await openCliSession();
  await cli.run("enqueue", "tweet", "--agent", "echo", "--topic", "fog", "--id", "a", "--fake", "--worker");
  expect(await cli.run("purge", "--agent", "echo")).toMatchObject({
    ...{ code: 2, stdout: "" },
    stderr:
      "error: purge --yes: got nothing; expected --yes, because it cannot be undone, or --dry-run to see what would go\n",
  });
  const looked = await cli.run("purge", "--agent", "echo", "--dry-run");
  expect(looked).toMatchObject({ code: 0, stderr: expect.stringContaining("nothing was changed") as string });
  expect(looked.stdout).toMatch(
    /^echo: would be purged\n {8}1 {2}results: .*\n {8}1 {2}jobs in lanes, .*\n {8}1 {2}snapshots/,
  );
  const purged = await cli.run("purge", "--agent", "echo", "--yes");
  expect(purged).toMatchObject({ code: 0, stderr: expect.stringContaining("redis-cli BGREWRITEAOF") as string });
  expect(purged.stdout).toBe(looked.stdout.replace("would be", "is"));
  expect(await cli.run("result", "a")).toMatchObject({ stdout: "", stderr: "succeeded: its texts were purged\n" });
  const again = await cli.run("purge", "--agent", "echo", "--yes", "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ agent: "echo", results: 0, queued: 0, snapshots: 0, underWay: 0 });
});
