import { describe, expect, it } from "vitest";
import { decide, type Step } from "../../../src/generation/decide.ts";
import { callOf, chainOf, failed, historyOf, inputOf, POLICY, type Attempt } from "./decide-input.ts";

const TOO_LONG: Attempt = { outcome: "succeeded", draft: "too-long" };
const DUPLICATE: Attempt = { outcome: "succeeded", draft: "duplicate" };
const OVERLOADED: Attempt = { outcome: "overloaded" };

function next(...attempts: readonly Attempt[]): Step {
  return decide(inputOf({ history: historyOf(...attempts) }));
}

describe("after a draft", () => {
  it("that is too long a shorter text is asked for", () => {
    expect(next(TOO_LONG)).toEqual({ ...callOf(0), request: "shorten" });
  });

  it("that is like another text another one is asked for", () => {
    expect(next(DUPLICATE)).toEqual({ ...callOf(0), request: "regenerate" });
    expect(next(TOO_LONG, { ...DUPLICATE, request: "shorten" })).toEqual({ ...callOf(0), request: "regenerate" });
  });

  it("its author is asked first, also when that is a fall-back", () => {
    const author = { ...TOO_LONG, member: 1 };
    expect(next(OVERLOADED, OVERLOADED, OVERLOADED, author)).toEqual({ ...callOf(1), request: "shorten" });
  });

  it("attempts count anew: what failures have spent before does not", () => {
    const spent = [OVERLOADED, OVERLOADED, TOO_LONG, OVERLOADED, OVERLOADED];
    expect(next(...spent)).toEqual({ ...callOf(0), request: "shorten" });
    expect(next(...spent, OVERLOADED)).toEqual({ ...callOf(1), request: "shorten" });
  });

  it("what was refused for good before it does not end the job", () => {
    const history = historyOf({ outcome: "content-filtered" }, { ...TOO_LONG, member: 1 });
    const policy = { ...POLICY, failOverOnContentFilter: true };
    expect(decide(inputOf({ history, policy }))).toEqual({ ...callOf(1), request: "shorten" });
    expect(decide(inputOf({ history }))).toEqual({ ...callOf(1), request: "shorten" });
  });

  it("what was learned stays: parameters to leave out, the larger cap", () => {
    const refused: Attempt = { outcome: "unsupported-parameter", parameter: "top_p" };
    expect(next(refused, TOO_LONG)).toEqual({ ...callOf(0), request: "shorten", omit: ["top_p"] });
    const recovered: Attempt = { ...TOO_LONG, request: "recover" };
    expect(next({ outcome: "truncated-empty" }, recovered)).toEqual({ ...callOf(0), request: "recover" });
  });

  it("the calls of all requests together are bounded", () => {
    const history = historyOf(TOO_LONG, OVERLOADED, OVERLOADED);
    const step = decide(inputOf({ history, chain: chainOf("a"), policy: { ...POLICY, maxCalls: 3 } }));
    expect(step).toEqual(failed("3 calls were made for this job, the most allowed; a/m: overloaded"));
  });
});
