import { describe, expect, it } from "vitest";
import { FAKE_LANE, MIA, NORI, openApiSystem, OPENAI_LANE, TWEET } from "./open-api.ts";

const ADA = {
  ...NORI,
  id: "ada",
  llm_config: { model: "gpt-6-luna", fallback_provider: "grok", fallback_config: { model: "grok-4.3" } },
};
const PAIR = "openai~gpt-6-luna>grok~grok-4.3";

interface Lanes {
  readonly lanes: readonly { readonly name: string; readonly isPaused: boolean }[];
}

describe("GET /lanes", () => {
  it("tells the jobs of each lane by state", async () => {
    await using opened = await openApiSystem();
    const { api } = opened;
    await api.expect(200, "POST /jobs/batch", { jobs: [TWEET, TWEET, { ...TWEET, agent: "nori" }] });
    const { lanes } = await api.expect<Lanes>(200, "GET /lanes");
    const open = { isPaused: false, operatorPauses: [] };
    expect(lanes).toEqual(
      expect.arrayContaining([
        { name: FAKE_LANE, chain: "fake/fake-1", ...open, counts: countsOf(2), oldestAt: expect.any(Number) as number },
        {
          name: OPENAI_LANE,
          chain: "openai/gpt-6-luna",
          ...open,
          counts: countsOf(1),
          oldestAt: expect.any(Number) as number,
        },
        { name: "quarantine", chain: expect.any(String) as string, ...open, counts: countsOf(0), oldestAt: null },
      ]),
    );
  });
});

function countsOf(waiting: number): object {
  return { waiting, active: 0, delayed: 0, failed: 0 };
}

describe("pauses", () => {
  it("of lanes, by name or by chain, of providers and of everything hold what they name, and let it go", async () => {
    await using opened = await openApiSystem({ agents: [MIA, NORI, ADA] });
    const { api } = opened;
    const standing = async (): Promise<string[]> => {
      const { lanes } = await api.expect<Lanes>(200, "GET /lanes");
      return lanes
        .filter(({ isPaused }) => isPaused)
        .map(({ name }) => name)
        .sort();
    };
    const sinceAt = expect.any(Number) as number;
    const named = encodeURIComponent(OPENAI_LANE);
    expect(await api.expect(200, `POST /lanes/${named}/pause`)).toEqual({
      changed: true,
      operatorPauses: [{ what: "lane", name: OPENAI_LANE, sinceAt }],
    });
    expect(await api.expect(200, `POST /lanes/${named}/pause`, {})).toMatchObject({ changed: false });
    expect(await standing()).toEqual([OPENAI_LANE]);
    await api.expect(200, `POST /lanes/${named}/resume`);
    const byChain = encodeURIComponent("openai/gpt-6-luna > grok/grok-4.3");
    expect(await api.expect(200, `POST /lanes/${byChain}/pause`)).toMatchObject({ operatorPauses: [{ name: PAIR }] });
    await api.expect(200, `POST /lanes/${encodeURIComponent(PAIR)}/resume`);
    expect(await standing()).toEqual([]);

    expect(await api.expect(200, "POST /providers/openai/pause")).toEqual({
      changed: true,
      operatorPauses: [{ what: "provider", name: "openai", sinceAt }],
    });
    expect(await standing(), "the other one has Grok to call").toEqual([OPENAI_LANE]);
    expect(await api.expect(200, "POST /pause")).toMatchObject({ changed: true, operatorPauses: [{}, {}] });
    expect(await standing()).toEqual([FAKE_LANE, OPENAI_LANE, PAIR, "quarantine"]);
    expect(await api.expect(200, "GET /health")).toMatchObject({
      operatorPauses: [{ what: "provider" }, { what: "all" }],
    });
    expect(await api.expect(200, "POST /resume"), "ends all of them").toEqual({ changed: true, operatorPauses: [] });
    expect(await standing()).toEqual([]);
    expect(await api.expect(200, "POST /providers/openai/resume")).toEqual({ changed: false, operatorPauses: [] });
  });

  it("of what there is not are refused, with what there is", async () => {
    await using opened = await openApiSystem();
    const { api, system } = opened;
    expect(await api.expect(404, "POST /lanes/openai~gpt-6-lunar/pause")).toEqual({
      error: `there is no lane "openai~gpt-6-lunar"; expected one of ${FAKE_LANE}, ${OPENAI_LANE}; did you mean "${OPENAI_LANE}"?`,
    });
    await api.expect(404, "POST /lanes/quarantine/pause");
    const { error } = await api.expect<{ error: string }>(404, "POST /providers/opnai/pause");
    expect(error).toMatch(/^there is no provider "opnai"; expected one of .*; did you mean "openai"\?$/);
    await api.expect(400, "POST /pause", { lane: OPENAI_LANE });
    expect(await system.redis.hgetall(system.keys.operatorPauses)).toEqual({});
    // Of an endpoint that only the workers' configuration has.
    await system.redis.hset(system.keys.lanes, "own~m", "own/m");
    expect(await api.expect(200, "POST /providers/own/pause")).toMatchObject({ changed: true });
  });
});
