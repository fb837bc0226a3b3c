import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadAgents } from "../../../src/agents/load-agents.ts";
import { parseAgent, parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { snapshotOf } from "../../../src/admission/claims.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { faultsOf, OPTIONS } from "./compile-options.ts";

const CRON =
  '5 fields (minute, hour, day of the month, month, day of the week), e.g. "0 9,17 * * 1-5" (9:00 and 17:00 from Monday to Friday)';
const FILE = 'the name of a *.txt, *.csv or *.jsonl file beside the agent\'s or in a folder below, e.g. "topics.txt"';
const HOURS = "hours, a number from 0.25 to 168";

function parse(fields: object) {
  return parseAgentObject("agent", { id: "ada", name: "Ada", ...fields }, OPTIONS);
}

describe("schedule", () => {
  it("has defaults for everything but the times", () => {
    expect(parse({ schedule: { cron: "0 9 * * *" } }).schedule).toEqual({
      ...{ agentId: "ada", enabled: true, topics: [], topicsFile: null, misfire: "latest", maxDelayMs: null },
      ...{ kind: "tweet", deadlineMs: null, delivery: "live" },
      timing: { type: "cron", expression: "0 9 * * *", timezone: "UTC" },
    });
    expect(parse({}).schedule).toBe(null);
  });

  it("may say everything", () => {
    const { schedule } = parse({
      schedule: {
        ...{ cron: "0 9 * * *", timezone: "Europe/Berlin", misfire: "all", max_delay_minutes: 90, kind: "tweet" },
        ...{
          topics: ["fog", { topic: "tides", mood: "calm" }],
          deadline_minutes: 120,
          delivery: "batch",
          enabled: false,
        },
      },
    });
    expect(schedule).toMatchObject({
      ...{ misfire: "all", maxDelayMs: 5_400_000, deadlineMs: 7_200_000, delivery: "batch", enabled: false },
      topics: [{ topic: "fog" }, { topic: "tides", mood: "calm" }],
      timing: { timezone: "Europe/Berlin" },
    });
  });

  it("is no part of what a job runs", () => {
    const { agent } = parse({ schedule: { cron: "0 9 * * *" } });
    expect(snapshotOf(agent).hash).toBe(snapshotOf(parse({}).agent).hash);
  });

  it("tells every fault at once, with its line", () => {
    const faults = faultsOf(
      [
        '"schedule": {',
        '"cron": "0 25 * * *",',
        '"timezone": "Europe/Berln",',
        '"topics": ["fog", " ", {"mood": "calm"}],',
        '"topics_file": "../topics.txt",',
        '"misfire": "al",',
        '"max_delay_minutes": 0,',
        '"kind": "thread",',
        '"delivery": "letter",',
        '"deadline_minutes": "soon",',
        '"enabled": "yes",',
        '"corn": "0 9 * * *" }',
      ].join("\n"),
    );
    expect(faults.split("\n")).toEqual([
      `ada.json:3 schedule.cron: got "0 25 * * *" (Invalid value for hour: 25); expected ${CRON}`,
      'ada.json:4 schedule.timezone: got "Europe/Berln"; expected a time zone of the IANA list, such as "Europe/Berlin" or "UTC"; did you mean "Europe/Berlin"?',
      'ada.json:5 schedule.topics[1]: got " "; expected a text that is not blank, or an object with a "topic" such as {"topic": "fog", "mood": "calm"}',
      'ada.json:5 schedule.topics[2]: got an object; expected a text that is not blank, or an object with a "topic" such as {"topic": "fog", "mood": "calm"}',
      `ada.json:6 schedule.topics_file: got "../topics.txt"; expected ${FILE}`,
      "ada.json:6 schedule.topics_file: got a file beside a list of topics; expected one of the two",
      'ada.json:7 schedule.misfire: got "al"; expected one of skip, latest, all; did you mean "all"?',
      "ada.json:8 schedule.max_delay_minutes: got 0; expected minutes, a number from 1 to 43200",
      'ada.json:9 schedule.kind: got "thread"; expected tweet',
      'ada.json:10 schedule.delivery: got "letter"; expected one of live, batch',
      'ada.json:11 schedule.deadline_minutes: got "soon"; expected minutes, a number from 1 to 43200',
      'ada.json:12 schedule.enabled: got "yes"; expected true or false',
      'ada.json:13 schedule.corn: got an unknown field; expected one of cron, timezone, topics, topics_file, misfire, max_delay_minutes, kind, deadline_minutes, delivery, enabled; did you mean "cron"?',
    ]);
  });

  it.each([
    [
      '"schedule": {"cron": "0 9 31 2 *"}',
      'schedule.cron: got "0 9 31 2 *", which never comes; expected a date that exists',
    ],
    ['"schedule": {"cron": "* * * * * *"}', "6 fields; expected 5 fields"],
    ['"schedule": {"cron": 9}', 'schedule.cron: got 9; expected text such as "0 9,17 * * 1-5"'],
    [
      '"schedule": {"cron": "0 9 * * *", "timezone": "+02:00"}',
      'schedule.timezone: got "+02:00"; expected a time zone',
    ],
    [
      '"schedule": {"topics": ["fog"]}',
      'ada.json:2 schedule: got no times; expected cron, e.g. "0 9,17 * * 1-5", or behavior.post_frequency',
    ],
    ['"schedule": "daily"', 'schedule: got "daily"; expected an object'],
    [
      '"schedule": {"cron": "0 9 * * *", "topics": []}',
      "schedule.topics: got a list; expected at least one topic, or no such field",
    ],
    [
      '"schedule": {"cron": "0 9 * * *", "topics_file": "/etc/passwd"}',
      `schedule.topics_file: got "/etc/passwd"; expected ${FILE}`,
    ],
    [
      '"schedule": {"cron": "0 9 * * *", "topics": [{"topic": "x", "api_key": "y"}]}',
      "schedule.topics[0].api_key: got",
    ],
  ])("%s is refused", (fields, message) => {
    expect(faultsOf(fields)).toContain(message);
  });
});

describe("behavior.post_frequency", () => {
  const frequency = {
    min_hours_between_posts: 2,
    max_hours_between_posts: 6.5,
    peak_posting_hours: [18, 9, 9],
    timezone: "Asia/Tokyo",
  };

  it("says when an agent posts as in the original system; the rest of behavior is ignored with a note", () => {
    const text = JSON.stringify({
      id: "ada",
      name: "Ada",
      behavior: { post_frequency: frequency, reply_probability: 0.5 },
    });
    const { schedule, notes } = parseAgent("ada.json", text, OPTIONS);
    expect(schedule?.timing).toEqual({
      ...{ type: "frequency", minMs: 7_200_000, maxMs: 23_400_000, peakHours: [9, 18], timezone: "Asia/Tokyo" },
    });
    expect(notes).toEqual([
      "ada.json:1 behavior.reply_probability: ignored and not kept; it belongs to another part of Puppet Engine",
    ]);
  });

  it("may stand beside a schedule that says about what", () => {
    const { schedule, notes } = parse({ behavior: { post_frequency: frequency }, schedule: { topics: ["fog"] } });
    expect(schedule).toMatchObject({ topics: [{ topic: "fog" }], timing: { type: "frequency" } });
    expect(notes).toEqual([]);
  });

  it.each([
    [
      '"schedule": {"cron": "0 9 * * *"}, "behavior": {"post_frequency": {"min_hours_between_posts": 1, "max_hours_between_posts": 2}}',
      "schedule.cron: got a cron expression beside behavior.post_frequency; expected one of the two",
    ],
    [
      '"schedule": {"timezone": "UTC"}, "behavior": {"post_frequency": {"min_hours_between_posts": 1, "max_hours_between_posts": 2}}',
      "schedule.timezone: got a time zone without cron; expected it in behavior.post_frequency.timezone",
    ],
    [
      '"behavior": {"post_frequency": {"min_hours_between_posts": 3, "max_hours_between_posts": 2}}',
      "max_hours_between_posts: got 2; expected at least min_hours_between_posts, which is 3",
    ],
    [
      '"behavior": {"post_frequency": {"min_hours_between_posts": 0.01, "max_hours_between_posts": 2}}',
      `min_hours_between_posts: got 0.01; expected ${HOURS}`,
    ],
    [
      '"behavior": {"post_frequency": {"min_hours_between_posts": 3}}',
      `max_hours_between_posts: got nothing; expected ${HOURS}`,
    ],
    [
      '"behavior": {"post_frequency": {"min_hours_between_posts": 1, "max_hours_between_posts": 2, "peak_posting_hours": [24]}}',
      "peak_posting_hours[0]: got 24; expected an hour of the day, an integer from 0 to 23",
    ],
    [
      '"behavior": {"post_frequency": {"min_hours": 1}}',
      "post_frequency.min_hours: got an unknown field; expected one of min_hours_between_posts",
    ],
  ])("%s is refused", (fields, message) => {
    expect(faultsOf(fields)).toContain(message);
  });
});

describe("topics_file", () => {
  it("is read with the agents, from the folder of the agent's file", async () => {
    await using folder = await makeTempFolder();
    await mkdir(join(folder.path, "topics"));
    await writeFile(join(folder.path, "topics/ada.txt"), "fog\ntides\n");
    const agent = { id: "ada", name: "Ada", schedule: { cron: "@daily", topics_file: "topics/ada.txt" } };
    await writeFile(join(folder.path, "ada.json"), JSON.stringify(agent));
    const { schedules } = await loadAgents(folder.path, OPTIONS);
    expect(schedules.get("ada")).toMatchObject({
      topics: [{ topic: "fog" }, { topic: "tides" }],
      topicsFile: "topics/ada.txt",
    });
    await writeFile(join(folder.path, "topics/ada.txt"), "\n");
    await expect(loadAgents(folder.path, OPTIONS)).rejects.toThrow(
      "topics/ada.txt: got no topic for ada; expected at least one",
    );
  });
});
