import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { load, refusal, refusalOf } from "./load-with.ts";

const ALONE = "expected the key alone, as the vendor shows it";
const A_KEY_AT_ALL = "expected keys, separated by commas, semicolons or white space, or an empty variable";

describe("several keys", () => {
  it.each([
    ["commas", "sk-1,sk-2,sk-3"],
    ["commas and spaces, one at the end", "sk-1, sk-2 , sk-3,"],
    ["semicolons", "sk-1;sk-2; sk-3"],
    ["white space", "  sk-1 sk-2\tsk-3 "],
    ["line breaks", "sk-1\nsk-2\r\n\r\nsk-3\n"],
    ["everything", "sk-1;,\n sk-2,\n;sk-3"],
  ])("may have %s between them", async (_, OPENAI_API_KEYS) => {
    const { providers, notes } = await load({ environment: { OPENAI_API_KEYS } });
    expect(providers.settings["openai"]).toEqual({ apiKeys: ["sk-1", "sk-2", "sk-3"] });
    expect([...providers.missingKeys.keys()]).toContain("grok");
    expect([...providers.missingKeys.keys()]).not.toContain("openai");
    expect(notes).toEqual([]);
  });

  it("may stand in `.env` or in a mounted file, a line each, with comments", async () => {
    const inDotenv = await load({ files: { ".env": 'OPENAI_API_KEYS="sk-1\nsk-2"\n' } });
    expect(inDotenv.providers.settings["openai"]).toEqual({ apiKeys: ["sk-1", "sk-2"] });
    const keys = "\uFEFF# ours, since March\nsk-1\n  # sk-old\n\nsk-2#3 # lent, until May\r\n#sk-last";
    const mounted = await load({ files: { keys }, environment: { OPENAI_API_KEYS_FILE: "keys" } });
    expect(mounted.providers.settings["openai"]).toEqual({ apiKeys: ["sk-1", "sk-2#3"] });
    expect(mounted.notes).toEqual([]);
  });

  it("come after the single one, and go with the other settings", async () => {
    const environment = { OPENAI_API_KEYS: "sk-2,sk-3", OPENAI_API_KEY: "sk-1", OPENAI_ORGANIZATION: "org-1" };
    const { providers } = await load({ environment });
    expect(providers.settings["openai"]).toEqual({ apiKeys: ["sk-1", "sk-2", "sk-3"], organization: "org-1" });
  });

  it("of xAI may have either name; the documented one wins, and that is said", async () => {
    const { providers } = await load({ environment: { XAI_API_KEY: "xai-1", XAI_API_KEYS: "xai-2" } });
    expect(providers.settings["grok"]).toEqual({ apiKeys: ["xai-1", "xai-2"] });
    const environment = { XAI_API_KEY: "xai-1", GROK_API_KEYS: "xai-2", XAI_API_KEYS: "xai-3" };
    const both = await load({ environment });
    expect(both.providers.settings["grok"]).toEqual({ apiKeys: ["xai-1", "xai-2"] });
    expect(both.notes).toEqual(["XAI_API_KEYS: not used, because GROK_API_KEYS is set"]);
  });

  it("are used once each, with a note that shows none", async () => {
    const environment = { OPENAI_API_KEY: "canary-1", OPENAI_API_KEYS: "canary-2,canary-1,canary-2" };
    const { providers, notes } = await load({ environment });
    expect(providers.settings["openai"]).toEqual({ apiKeys: ["canary-1", "canary-2"] });
    expect(notes).toEqual([
      "OPENAI_API_KEYS, key 2: dropped, because it is the same as OPENAI_API_KEY",
      "OPENAI_API_KEYS, key 3: dropped, because it is the same as OPENAI_API_KEYS, key 1",
    ]);
  });

  it("have an id and a place each, for messages", async () => {
    const keyIdOf = (key: string): string => createHash("sha256").update(key).digest("hex").slice(0, 8);
    const environment = { OPENAI_API_KEY: "sk-1", OPENAI_API_KEYS: "sk-1,sk-2" };
    expect([...(await load({ environment })).providers.keyPlaces]).toEqual([
      [
        "openai",
        [
          { keyId: keyIdOf("sk-1"), source: "OPENAI_API_KEY" },
          { keyId: keyIdOf("sk-2"), source: "OPENAI_API_KEYS, key 2" },
        ],
      ],
    ]);
  });

  it("are refused with their variable and position, all at once, and not shown", async () => {
    const environment = {
      OPENAI_API_KEY: "sk-your-key",
      OPENAI_API_KEYS: "sk-1, changeme, sk–canary, sk-2, sk-\u00a0canary",
      GROK_API_KEYS: "<key>",
    };
    const lines = await refusalOf(environment);
    expect(lines.toSorted()).toEqual([
      `environment GROK_API_KEYS, key 1: got the placeholder of a template; ${ALONE}`,
      `environment OPENAI_API_KEY: got the placeholder of a template; ${ALONE}, or an empty variable`,
      `environment OPENAI_API_KEYS, key 2: got the placeholder of a template; ${ALONE}`,
      `environment OPENAI_API_KEYS, key 3: got characters that are not printable ASCII; ${ALONE}`,
      `environment OPENAI_API_KEYS, key 5: got white space inside; ${ALONE}`,
    ]);
    expect(lines.join()).not.toContain("canary");
  });

  it("are refused when there is none in the variable or its file", async () => {
    const fault = `environment OPENAI_API_KEYS: got no key in it; ${A_KEY_AT_ALL}`;
    expect(await refusalOf({ OPENAI_API_KEYS: " ,; " })).toEqual([fault]);
    const environment = { OPENAI_API_KEYS_FILE: "keys" };
    expect(await refusal({ environment, files: { keys: "# none yet\n" } })).toEqual([fault]);
  });

  it("are refused when they are given twice, or their file cannot be read", async () => {
    const environment = { GROK_API_KEYS: "canary-1", GROK_API_KEYS_FILE: "keys" };
    expect(await refusal({ environment })).toEqual([
      "environment GROK_API_KEYS: got GROK_API_KEYS and GROK_API_KEYS_FILE; expected one of them",
      "environment GROK_API_KEYS_FILE: got a file that cannot be read; expected the path of a mounted secret",
    ]);
  });

  it("are 100 at most per provider", async () => {
    const numbered = (count: number): string => Array.from({ length: count }, (_, index) => `sk-${index}`).join();
    const most = { OPENAI_API_KEY: "sk-0", OPENAI_API_KEYS: numbered(100), GROK_API_KEYS: numbered(100) };
    const { settings } = (await load({ environment: most })).providers;
    expect([settings["openai"]?.apiKeys?.length, settings["grok"]?.apiKeys?.length]).toEqual([100, 100]);
    expect(await refusalOf({ ...most, OPENAI_API_KEY: "sk-one-more" })).toEqual([
      "environment OPENAI_API_KEYS: got 101 keys; expected at most 100 keys per provider",
    ]);
  });

  it("that are too many are not all complained about one by one", async () => {
    const OPENAI_API_KEYS = Array.from({ length: 2000 }, (_, index) => `ü${index}`).join("\n");
    expect(await refusalOf({ OPENAI_API_KEYS })).toHaveLength(101);
  });
});
