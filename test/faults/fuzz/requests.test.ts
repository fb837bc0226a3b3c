import fc from "fast-check";
import { expect, it } from "vitest";
import { openMonitor } from "../../integration/monitor/open-monitor.ts";
import { testNamespace } from "../../support/redis.ts";
import { CANARY, damaged, expectNothingPolluted, expectShowable, jsonWith, runs } from "./fuzz.ts";

const ROUTES = [
  ...["POST /jobs", "POST /jobs?waitSeconds=0", "POST /jobs/batch", "PUT /jobs/a/feedback", "DELETE /jobs/a"],
  ...["PUT /runs/evening", "POST /runs/evening/pause", "POST /lanes/fake~fake-1/pause", "POST /providers/fake/pause"],
  ...["GET /jobs", "GET /usage?by=model", "PATCH /runs/evening"],
];
const NAMES = [
  ...["kind", "agent", "id", "urgency", "deadline", "context", "mention", "prompt", "jobs", "run", "score", "state"],
  ...["retryFailed", "conversation_history", "posts", "minutes", "until", "total", "input"],
];
const JOB = { kind: "reply", agent: "mia", mention: "hi", id: "a", context: { api_key: CANARY } };

it("every request is answered in the API's own words, whatever its body, its address and its headers are", async () => {
  const namespace = testNamespace();
  await using monitor = await openMonitor({
    namespace,
    agents: [{ id: "mia", name: "Mia", llm_provider: "fake" }],
    apiLimits: { requestsPerMinute: 1_000_000 },
  });
  const body = fc.oneof(
    damaged(fc.constantFrom(JSON.stringify(JOB), JSON.stringify({ jobs: [JOB, JOB], run: "evening" }))),
    jsonWith(NAMES, ["tweet", "reply", "mia", "evening", "bulk"]).map((value) => JSON.stringify(value)),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  );
  const tail = fc.oneof({ weight: 4, arbitrary: fc.constant("") }, fc.string({ unit: "binary", maxLength: 6 }));
  const request = fc.record({
    route: fc.constantFrom(...ROUTES),
    tail: tail.map((text) => encodeURIComponent(text.toWellFormed())),
    body,
    type: fc.oneof(
      { weight: 9, arbitrary: fc.constant("application/json") },
      fc.constantFrom("text/plain", "application/json; charset=latin1", "application/x-www-form-urlencoded", "x"),
    ),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ route, tail: end, body: content, type }) => {
      const [method = "", path = ""] = route.split(" ");
      const answer = await fetch(`${monitor.url}/api/v1${path}${end}`, {
        method,
        ...(method === "GET" ? {} : { body: content, headers: { "content-type": type } }),
      });
      const text = await answer.text();
      expect(text).not.toContain(CANARY);
      expect([200, 201, 202, 400, 404, 405, 409, 413, 415]).toContain(answer.status);
      const told = JSON.parse(text) as { error?: string };
      if (answer.status >= 400) expectShowable(told.error ?? "\0");
      expectNothingPolluted();
    }),
    runs(0.75),
  );
});
