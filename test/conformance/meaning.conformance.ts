import { expect } from "vitest";
import type { ProviderErrorKind } from "../../src/providers/provider-error.ts";
import { generateRequest } from "../support/generate-request.ts";
import { recordedAnswer } from "../support/recorded-answers.ts";
import { MEANING } from "./meanings.ts";
import { never, skipping, start, type ProviderSubject } from "./subject.ts";

/** Bare statuses, with an error in the vendor's form that says nothing of its own. */
const STATUSES: readonly (readonly [ProviderErrorKind, ...number[]])[] = [
  ["overloaded", 408, 409, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529],
  ["rate-limited", 429],
  ["quota-exhausted", 402],
  ["authentication", 401, 403],
  ["model-not-found", 404, 410],
  ["invalid-request", 400, 413, 422],
  ["invalid-response", 301, 307],
];

/** Each row of "What each answer means", through HTTP. */
export function meaningConformance(subject: ProviderSubject): void {
  const check = skipping(subject);
  const request = generateRequest({ model: subject.model });

  check("takes every recorded answer of its vendor for what it means", async () => {
    await using it = await start(subject);
    const own = Object.entries(MEANING).filter(([file]) => it.wire.folders.includes(file.replace(/\/.*/, "")));
    expect(own.length).toBeGreaterThan(10);
    for (const [file, [kind, detail = null]] of own) {
      it.server.answerWith(recordedAnswer(file));
      if (kind === "text") {
        expect((await it.provider.generate(request, never)).text.trim(), file).not.toBe("");
        continue;
      }
      const { retryAfterMs, ...failure } = await it.failure();
      expect({ file, kind: failure.kind, parameter: failure.parameter }).toEqual({
        ...{ file, kind },
        parameter: kind === "unsupported-parameter" ? detail : null,
      });
      expect(retryAfterMs !== null, file).toBe(typeof detail === "number");
    }
  });

  check("takes a bare status for what it means", async () => {
    await using it = await start(subject);
    const headers = { "content-type": "application/json" };
    for (const [kind, ...statuses] of STATUSES) {
      for (const status of statuses) {
        it.server.answerWith({ response: { status, headers, body: it.wire.error("it did not work") } });
        expect(await it.failure(), String(status)).toMatchObject({ kind, status, sent: "yes" });
      }
    }
  });

  check("takes every finish reason for what it means, and keeps the vendor's own word", async () => {
    await using it = await start(subject);
    for (const [finish, reason] of it.wire.finishReasons) {
      it.server.answerWith(it.wire.whole({ finish }));
      if (reason === "content-filter") {
        expect((await it.failure()).kind, finish).toBe("content-filtered");
        continue;
      }
      const response = await it.provider.generate(request, never);
      expect([response.finishReason, response.rawFinishReason]).toEqual([reason, finish]);
    }
  });
}
