import { expect, it } from "vitest";
import { openCliSession } from "../support/cli-session.ts";
import { startCollector } from "../support/otlp-collector.ts";

/* With the example agents, and the fake provider in the place of the real ones. */

it("a job is one trace over two processes, and Ctrl-C sends what is left", async () => {
  await using collector = await startCollector();
  const secret = "secret-of-the-collector";
  const env = {
    ...collector.environment,
    // Never: what arrives was sent at the end.
    OTEL_BSP_SCHEDULE_DELAY: "600000",
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${secret}`,
  };
  await using cli = await openCliSession({ env, secrets: [secret] });
  await using worker = cli.start("worker", "--fake");
  await worker.waitForOutput(/is taking jobs/);
  const tweet = ["tweet", "--agent", "ada", "--topic", "secret-of-the-topic", "--id", "a"];
  const { code, stdout, stderr } = await cli.run("enqueue", ...tweet, "--wait", "--fake");
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringMatching(/warning|error/) as string });
  worker.signal("SIGINT");
  expect(await worker.ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining(secret) as string });

  const [added, chat, processed] = collector.spans();
  expect(collector.spans()).toHaveLength(3);
  expect([added, processed, chat].map((span) => span?.name)).toEqual([
    ...["addBulk fake~fake-1", "process fake~fake-1", "chat fake-1"],
  ]);
  expect(new Set(collector.spans().map(({ traceId }) => traceId)).size).toBe(1);
  expect([added?.parentSpanId, processed?.parentSpanId, chat?.parentSpanId]).toEqual([
    ...[null, added?.spanId, processed?.spanId],
  ]);
  const pids = [added, processed, chat].map((span) => span?.resource["process.pid"]);
  expect(pids.map((pid) => pid === worker.pid)).toEqual([false, true, true]);
  expect(collector.calls.map(({ headers }) => headers["authorization"])).toEqual([
    ...[`Bearer ${secret}`, `Bearer ${secret}`],
  ]);
  for (const text of ["secret-of-the-topic", stdout.trim()]) expect(collector.bodies).not.toContain(text);
});

it("a collector that is away costs one warning, and nothing else", async () => {
  await using cli = await openCliSession({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" } });
  const { code, stdout, stderr } = await cli.run("enqueue", "tweet", "--agent", "ada", "--worker", "--fake");
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/\S/) as string });
  const about = stderr.split("\n").filter((line) => line.includes("traces") || line.includes("127.0.0.1:1"));
  expect(about).toEqual(["warning: traces do not arrive at http://127.0.0.1:1: ECONNREFUSED; everything else goes on"]);
});
