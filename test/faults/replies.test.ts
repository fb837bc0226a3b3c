import { readFile, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { NORI } from "../support/generation-system.ts";
import { huge } from "../support/misbehaving-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { startFleet } from "../support/worker-fleet.ts";

/** How much more memory than before a process has had at some moment of `work`. */
async function growthBytes(pid: number, work: () => Promise<void>): Promise<number> {
  const read = async (name: "VmRSS" | "VmHWM"): Promise<number> => {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
  };
  // The peak begins anew: https://docs.kernel.org/filesystems/proc.html, clear_refs
  await writeFile(`/proc/${pid}/clear_refs`, "5");
  const before = await read("VmRSS");
  await work();
  return (await read("VmHWM")) - before;
}

const EVENT = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "x".repeat(4096) } }] })}\n\n`;
const STREAMED = { announced: false, part: EVENT, type: "text/event-stream" };

const CUT = "the answer is larger than 4 MiB and was cut off";

it("fault 26: a reply of 50 MB is cut off at 4 MB, however it comes, and the worker's memory grows by less than 50 MB", async () => {
  await using openai = await startRecordedServer();
  const streaming = { ...NORI, id: "stream", llm_config: { ...NORI.llm_config, stream: true } };
  const settings = { retries: { attempts: 1 }, breaker: { minCalls: 1000 } };
  await using fleet = await startFleet({ openai, agents: [NORI, streaming], settings, processes: 1 });
  const [worker] = fleet.workers;
  const run = async (name: string, agent: string) => (await fleet.results(await fleet.enqueue(1, { name, agent })))[0];
  for (const agent of ["nori", "stream"]) await run(`warm-${agent}`, agent);

  const replies = {
    announced: huge({ announced: true }),
    unannounced: huge({ announced: false }),
    error: huge({ announced: false, status: 500 }),
    stream: huge(STREAMED),
    "one-event": huge({ ...STREAMED, part: "data: x".repeat(1000) }),
  };
  for (const [name, reply] of Object.entries(replies)) {
    const growth = await growthBytes(worker?.pid ?? 0, async () => {
      openai.answerWith(reply);
      const result = await run(name, ["stream", "one-event"].includes(name) ? "stream" : "nori");
      expect(result, name).toMatchObject({ status: "failed", reason: `openai/gpt-6-luna: invalid-response (${CUT})` });
      await openai.idle();
      expect(openai.calls.at(-1)?.state, name).toBe("broken");
    });
    expect(growth, name).toBeLessThan(50e6);
  }
  const rows = await fleet.expectAccounted(openai.calls.length);
  const cut = rows.filter(({ outcome }) => outcome === "invalid-response");
  expect(cut.map(({ message }) => message)).toEqual(Array(5).fill(CUT));
});
