import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Comparison } from "../../../src/compare/comparison.ts";
import type { ComparedText } from "../../../src/compare/summarise.ts";
import { html } from "../../../src/platform/html.ts";
import { renderReport } from "../../../src/compare/report.ts";
import { summarise } from "../../../src/compare/summarise.ts";
import { parseJobInput } from "../../../src/job/generation-job.ts";
import { elementsOf, parseStrictly, textOf, withClass, type Element } from "../../support/strict-markup.ts";
import { attempt, compared, failed, FINISHED_AT, written } from "./sample.ts";

const NASTY = `</p><script>alert("1")</script> 'x' & <img src=http://evil.example/x onerror=alert(2)> &amp; ]]>`;
/** Turns the rest of its paragraph around, and never says where that ends. */
const BIDI = "gate \u202Egnp.exe مطر";

function comparisonOf(texts: readonly ComparedText[], input: unknown = { kind: "tweet", agent: "ada" }): Comparison {
  const models = [...new Set(texts.map(({ model }) => model))];
  return {
    ...{ name: "rain", from: FINISHED_AT, to: FINISHED_AT + 120_000 },
    models: models.map((model) =>
      summarise(
        model,
        texts.filter((text) => text.model === model),
      ),
    ),
    jobs: [{ agentId: "ada", input: parseJobInput(input), texts }],
  };
}

function pageOf(texts: readonly ComparedText[], input?: unknown): Element[] {
  return elementsOf(parseStrictly(renderReport(comparisonOf(texts, input))));
}

const TEXTS = [compared(written({ id: "t1" })), compared(failed("refused", { id: "t2" }), null, "grok/grok-4.3")];

describe("the report", () => {
  it("says what was compared and when, and has a card for each model with its facts", () => {
    const page = pageOf(TEXTS, {
      kind: "tweet",
      agent: "ada",
      context: { topic: "rain", mood: "calm", tags: ["a", "b"] },
    });
    const texts = (name: string): string[] => withClass(page, name).map((it) => textOf(it).replace(/\s+/g, " ").trim());
    expect(textOf(page.find(({ name }) => name === "h1") as Element)).toBe("Two models, one job");
    expect(texts("dateline")).toEqual(["rain 26 November 2026, 14:05–14:07 UTC 2 answers of ada"]);
    expect(texts("lede")).toEqual(["grok/grok-4.3 wrote nothing."]);
    expect(page.filter(({ name }) => name === "h3").map(textOf)).toEqual(["rain"]);
    expect(texts("about")).toEqual(["no. 1ada, tweetmood: calmtags: a; b"]);
    expect(texts("text").map((text) => text.replace(/ More.*/, ""))).toEqual([
      "openai/gpt-6-luna Rain, at last. 14 characters 100 ms stop 0.0000100 USD",
      "grok/grok-4.3 failed: refused 0 USD",
    ]);
    expect(texts("failures")).toEqual(["grok/grok-4.3, once: refused"]);
    expect(withClass(page, "text").map(({ attributes }) => attributes["id"])).toEqual(["t1", "t2"]);
  });

  it("has at most ten lines of failures, and says how many more there are", () => {
    const texts = Array.from({ length: 12 }, (_, index) => compared(failed("no"), null, `fake/fake-${index}`));
    const items = pageOf(texts).filter(({ name }) => name === "li");
    expect(items).toHaveLength(11);
    expect(items.map(textOf).at(-1)).toBe("and 2 more");
  });

  it("shows what was cut off, what was adapted, calls that failed before, and feedback", () => {
    const result = written({
      finishReason: "length",
      adjustedParams: [{ parameter: "temperature", change: "dropped", why: "the model reasons" }],
      attempts: [attempt({ outcome: "overloaded", message: "busy" }), attempt({ attempt: 2 })],
    });
    const page = pageOf([compared(result, 0.5)]);
    const text = textOf(withClass(page, "text")[0] as Element);
    for (const part of [
      "cut off (length)",
      "dropped: the model reasons",
      "overloaded after 100 ms: busy",
      "feedback 0.5",
    ])
      expect(text).toContain(part);
    expect(textOf(page.find(({ name }) => name === "thead") as Element)).toContain("Feedback");
    expect(textOf(pageOf(TEXTS).find(({ name }) => name === "thead") as Element)).not.toContain("Feedback");
  });

  it.each([
    ["a reply", { kind: "reply", agent: "ada", mention: "Why?", conversation_history: ["Hello"] }, "Why?", "Hello"],
    ["content", { kind: "content", prompt: "A haiku", context: { audience: "sailors" } }, "A haiku", "sailors"],
    ["a tweet without a topic", { kind: "tweet", agent: "ada", context: { mood: "calm" } }, "calm", "ada, tweet"],
    ["a tweet about nothing", { kind: "tweet", agent: "ada" }, "Anything at all", "ada, tweet"],
  ])("has the heading of %s", (_, input, heading, detail) => {
    const page = pageOf(TEXTS, input);
    expect(page.filter(({ name }) => name === "h3").map(textOf)).toEqual([heading]);
    expect(textOf(withClass(page, "about")[0] as Element)).toContain(detail);
  });

  it("shows every text as text, to the letter, wherever it stands", () => {
    const texts = [
      compared(written({ text: `  ${NASTY}\n\n  indented` })),
      compared(failed(NASTY, { attempts: [attempt({ outcome: "network", message: NASTY })] }), null, "grok/x"),
    ];
    const page = pageOf(texts, { kind: "tweet", agent: "ada", context: { topic: NASTY, "<b>": NASTY } });
    expect(page.map(({ name }) => name).filter((name) => ["script", "img", "b>"].includes(name))).toEqual([]);
    expect(withClass(page, "body").map(textOf)).toEqual([`  ${NASTY}\n\n  indented`, `failed: ${NASTY}`]);
    expect(page.filter(({ name }) => name === "h3").map(textOf)).toEqual([NASTY]);
    const attributes = new Set(page.flatMap((element) => Object.keys(element.attributes)));
    expect([...attributes].filter((name) => name.startsWith("on"))).toEqual([]);
  });

  it("keeps text of any direction from turning what stands beside it", () => {
    const page = pageOf([compared(written({ text: BIDI })), compared(failed(BIDI), null, "grok/x")], {
      ...{ kind: "tweet", agent: "ada", context: { topic: BIDI, mood: BIDI } },
    });
    const holders = page.filter((element) =>
      element.children.some((it) => typeof it === "string" && it.includes("\u202E")),
    );
    expect(holders.length).toBeGreaterThan(4);
    expect(holders.filter(({ name, attributes }) => name !== "bdi" && attributes["dir"] !== "auto")).toEqual([]);
  });

  it("has no characters that a page must not have", () => {
    expect(html`${"a\0b\u0007\u0085\ud800c\uffff\t\n"}`.markup).toBe("a\ufffdb\ufffd\ufffd\ufffdc\ufffd\t\n");
  });

  it("needs nothing but itself, and allows nothing but its own style sheet", () => {
    const page = renderReport(comparisonOf(TEXTS));
    expect(page).not.toMatch(/\b(?:src|href|srcset|action|poster|data)\s*=|@import|url\(|https?:/i);
    const elements = pageOf(TEXTS);
    const style = elements.filter(({ name }) => name === "style").map(textOf);
    const hash = createHash("sha256").update(style.join()).digest("base64");
    const policy = elements.find(({ attributes }) => attributes["http-equiv"] === "Content-Security-Policy");
    expect(policy?.attributes["content"]).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`,
    );
    expect(elements.filter(({ attributes }) => attributes["style"] !== undefined)).toEqual([]);
  });

  it("draws latencies on one scale", () => {
    const slow = compared(written({ attempts: [attempt({ durationMs: 400 })] }), null, "grok/slow");
    const dots = withClass(pageOf([compared(written()), slow]), "median");
    const places = dots.map(({ attributes }) => Number.parseFloat(attributes["cx"] ?? ""));
    expect(places).toEqual([25, 100]);
  });
});

describe("the strict reader", () => {
  it.each(["<p>a", "<p>a</b>", "<p a=b></p>", "a & b", "a &nbsp; b", "<p a='b'></p>", "1 < 2", '<p a="1" a="2"></p>'])(
    "refuses %s",
    (markup) => expect(() => parseStrictly(markup)).toThrow(/never closed|in p|no markup|no entity|twice/),
  );
});
