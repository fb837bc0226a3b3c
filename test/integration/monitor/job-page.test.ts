import { describe, expect, it } from "vitest";
import { completionAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { startSystem } from "../../support/generation-system.ts";
import { openMonitor, type TestMonitor } from "./open-monitor.ts";

/** What a reader sees, on one line. */
const words = async (monitor: TestMonitor, path: string): Promise<string> =>
  (await monitor.send(path)).text
    .replace(/<[^>]*>/g, " ")
    .replace(/&quot;/g, '"')
    .replace(/\s+/g, " ");

describe("a job's page", () => {
  it("shows what was asked, as text, and no more than a page takes", async () => {
    await using openai = await startRecordedServer();
    await using system = await startSystem({ openai });
    await system.producer.enqueueMany([
      {
        ...{ id: "reply", kind: "reply", agent: "nori", mention: "Why <b>looms</b>?", urgency: "bulk" },
        conversation_history: [{ author: "ada", text: "Looms came first." }],
        context: { topic: "looms" },
      },
      { id: "quote", kind: "quote", agent: "nori", quoted: "Cards, then code.", author: "jac" },
      { id: "long", kind: "content", agent: "nori", prompt: `${"x".repeat(4000)}END` },
    ]);
    await using monitor = await openMonitor(system);
    expect(await words(monitor, "/results/reply")).toMatch(
      /Kind reply Mention Why &lt;b&gt;looms&lt;\/b&gt;\? Conversation ada: Looms came first\. Context \{ "topic": "looms" \} Enqueued .* Urgency bulk/,
    );
    expect(await words(monitor, "/results/quote")).toMatch(/Quoted Cards, then code\. Its author jac/);
    expect(await words(monitor, "/results/long")).toMatch(/Prompt x{4000} … Enqueued/);
    expect(await words(monitor, "/results/long")).toMatch(/Lane openai\/gpt-6-luna /);
    await system.lane("openai~gpt-6-luna").obliterate({ force: true });
    expect(await words(monitor, "/results/quote")).toContain("What was asked is no longer kept.");
  });

  it("shows until when it waits, its draft, and how long a call is under way", async () => {
    await using openai = await startRecordedServer();
    await using system = await startSystem({ openai });
    await system.producer.enqueueMany([
      { id: "waits", kind: "tweet", agent: "nori" },
      { id: "calls", kind: "tweet", agent: "nori" },
    ]);
    const now = Date.now();
    const draft = { posts: ["A first try."], why: "too-long" };
    await system.redis.hset(system.keys.job("waits"), { waitUntil: now + 90_000, draft: JSON.stringify(draft) });
    const row = { attempt: 1, provider: "openai", model: "m", request: "generate", outcome: "crashed" };
    const open = { ...row, durationMs: 0, usage: null, costMicroUsd: 1, possiblyBilled: true, message: null };
    await system.redis.hset(system.keys.job("calls"), {
      ...{ attempts: 1, "row:1": JSON.stringify({ ...open, startedAt: now - 3_605_000 }), "state:1": "open|1" },
    });
    await using monitor = await openMonitor(system);
    const waits = await words(monitor, "/results/waits");
    expect(waits).toMatch(/waiting waits until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, in 1 min \d+ s/);
    expect(waits).toMatch(/There is a draft \(too-long\); a better text is asked for\. A first try\./);
    expect(await words(monitor, "/results/calls")).toMatch(
      /1 openai\/m generate under way 1 h 0 min ago · \d\d:\d\d UTC for 1 h 0 min/,
    );
  });

  it("of a text that is held says what to do, as a warning", async () => {
    await using openai = await startRecordedServer(
      completionAnswer({ text: "See https://nobody-asked.example/looms for more." }),
    );
    await using system = await startSystem({ openai });
    await system.startWorker();
    expect((await system.run({ id: "held", kind: "tweet", agent: "nori" })).status).toBe("held");
    await using monitor = await openMonitor(system);
    expect(await words(monitor, "/results/held")).toMatch(/held .*Read it, and publish it by hand if it is good/);
    for (const path of ["/results/held", "/results?status=held"])
      expect((await monitor.send(path)).text, path).toContain('<p class="problem warning">');
    expect((await monitor.send("/usage")).text).toContain('href="/results?kind=tweet&amp;status=held"');
    expect(await words(monitor, "/")).toMatch(/Held today 1 read them/);
  });
});
