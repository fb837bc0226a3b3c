/**
 * The control keys of one namespace. They share the hash tag `{<namespace>}`, so that one script may touch all of them
 * on a cluster too. Lanes (BullMQ's keys) have tags of their own, see `queue/lane.ts`.
 */
export interface ControlKeys {
  readonly namespace: string;
  /** Hash: claim, ledger and terminal record of a job. */
  job(id: string): string;
  /** String: an agent snapshot as JSON. */
  snapshot(hash: string): string;
  /** Hash: lane → chain. */
  readonly lanes: string;
  /** Hash: agent → how many of its rotating prompts were handed out. */
  readonly turns: string;
  /** Hash: state, progress and manifest of a bulk run. */
  run(id: string): string;
  /** Sorted set: bulk run → when it was begun (epoch ms). */
  readonly runs: string;
  /** List: jobs that wait for the next batch of their group. */
  batchOpen(group: string): string;
  /** Hash: group of jobs that wait for a batch → since when. */
  readonly batchGroups: string;
  /** Sorted sets: batch → when it was formed, of those under way and of those that have ended. */
  readonly batches: string;
  readonly endedBatches: string;
  /** Hash: state of a batch. */
  batch(id: string): string;
  /** Hash: rows of a batch that have not gone their way yet. */
  batchRows(id: string): string;
  /** String: which process works on a batch, or forms those of a group. */
  batchLease(name: string): string;
  /** Hash: pace, known limits, breaker and pause of a limit group. */
  limitGroup(group: string): string;
  /** List: how the last calls of a limit group ended. */
  lastCalls(group: string): string;
  /** Hash: pause of a key, for every model. */
  credential(name: string): string;
  /** Set: names of limit groups and keys that something is known of. */
  readonly knownLimits: string;
  /** Sorted set: `<parameter> <provider>/<model>` → when the model refused it (epoch ms). */
  readonly refusedParameters: string;
  /** Hash: what operators have paused. */
  readonly operatorPauses: string;
  /** Set: lanes that stand still because of that. */
  readonly pausedLanes: string;
  /** Hash: what was spent and is held of the budgets on a day (UTC). */
  spending(day: string): string;
  /** Hash: agent → its schedule and the agent itself, see `queue/schedule-store.ts`. */
  readonly schedules: string;
  /** Sorted set: agent → when its next slot is (epoch ms), or the lease of who deals with it ends. */
  readonly schedulesDue: string;
  /** Hash: how far an agent's schedule has come. */
  schedule(agentId: string): string;
  /** Hash: alert → what is known of it, see `alerts/alert-store.ts`. */
  readonly alerts: string;
  /** Hash: alert → what was sent of it. */
  readonly alertsSent: string;
  /** Hash: when the facts were looked at last, how many calls there were in the last hour, how the webhook does. */
  readonly alertWatch: string;
  /** String: which process looks, or sends. */
  alertLease(task: string): string;
  /** Set: attempts that a worker has announced and not settled. */
  intents(workerId: string): string;
  /** Sorted set: worker → last seen. */
  readonly workers: string;
  /** Sorted set: worker that died with calls under way, none of a suspect → when it was found. */
  readonly deaths: string;
  /** String: what a worker says of itself (JSON), see `job/worker-status.ts`. */
  worker(id: string): string;
  /** Hash: what workers have counted, see `job/work-metrics.ts`. */
  readonly metrics: string;
  /** Stream: usage rows. */
  readonly usageRows: string;
  /** Hash: counters of a day (`2026-11-23`, UTC). */
  usageDay(day: string): string;
  usageOfAgent(day: string, agentId: string): string;
  /** Set: agents with counters on that day. */
  usageAgents(day: string): string;
  /** Hash: some of the counters of an hour (`2026-11-23T14`, UTC). */
  usageHour(hour: string): string;
  /** Hash: how many jobs ended on that day, by kind and status. */
  usageTexts(day: string): string;
  /** Streams: which jobs have ended, of all agents and of one. */
  readonly results: string;
  resultsOf(agentId: string): string;
  /** String: a text that may be given again (JSON), by its agent and the hash of its request. */
  cachedText(agentId: string, hash: string): string;
  /** Hash: which job asks for such a text now, and how often others have come for it. */
  cacheLead(hash: string): string;
  /** Number of the last text that was noted, and such a text: see `variety/scripts/claim-text.lua`. */
  readonly textCount: string;
  text(number: string): string;
  /** List: numbers of an agent's last texts. */
  agentTexts(agentId: string): string;
  /** String: part of the index of texts. */
  textShard(shard: number): string;
  /** Channels: ids of jobs that got a terminal record, and of jobs that somebody cancels. */
  readonly settledChannel: string;
  readonly cancelledChannel: string;
  /** Channel: the text of a job while it is written, see `job/partial-text.ts`. */
  partialChannel(jobId: string): string;
  /** Channel: see `epoch-watch.ts`. */
  readonly epochsChannel: string;
}

export function controlKeys(namespace: string): ControlKeys {
  const tag = `{${namespace}}`;
  return {
    namespace,
    job: (id) => `${tag}:job:${id}`,
    snapshot: (hash) => `${tag}:agent:${hash}`,
    lanes: `${tag}:lanes`,
    turns: `${tag}:turns`,
    run: (id) => `${tag}:run:${id}`,
    runs: `${tag}:runs`,
    batchOpen: (group) => `${tag}:batch-open:${group}`,
    batchGroups: `${tag}:batch-groups`,
    batches: `${tag}:batches`,
    endedBatches: `${tag}:batches-ended`,
    batch: (id) => `${tag}:batch:${id}`,
    batchRows: (id) => `${tag}:batch-rows:${id}`,
    batchLease: (name) => `${tag}:batch-lease:${name}`,
    limitGroup: (group) => `${tag}:limits:${group}`,
    lastCalls: (group) => `${tag}:calls:${group}`,
    credential: (name) => `${tag}:key:${name}`,
    knownLimits: `${tag}:known-limits`,
    refusedParameters: `${tag}:refused-parameters`,
    operatorPauses: `${tag}:paused`,
    pausedLanes: `${tag}:paused-lanes`,
    spending: (day) => `${tag}:spending:${day}`,
    schedules: `${tag}:schedules`,
    schedulesDue: `${tag}:schedules-due`,
    schedule: (agentId) => `${tag}:schedule:${agentId}`,
    alerts: `${tag}:alerts`,
    alertsSent: `${tag}:alerts-sent`,
    alertWatch: `${tag}:alert-watch`,
    alertLease: (task) => `${tag}:alert-lease:${task}`,
    intents: (workerId) => `${tag}:intents:${workerId}`,
    workers: `${tag}:workers`,
    deaths: `${tag}:deaths`,
    worker: (id) => `${tag}:worker:${id}`,
    metrics: `${tag}:metrics`,
    usageRows: `${tag}:usage`,
    usageDay: (day) => `${tag}:usage:${day}`,
    usageOfAgent: (day, agentId) => `${tag}:usage:${day}:agent:${agentId}`,
    usageAgents: (day) => `${tag}:usage:${day}:agents`,
    usageHour: (hour) => `${tag}:usage:${hour}`,
    usageTexts: (day) => `${tag}:usage:${day}:texts`,
    results: `${tag}:results`,
    resultsOf: (agentId) => `${tag}:results-of:${agentId}`,
    cachedText: (agentId, hash) => `${tag}:cache:${agentId}:${hash}`,
    cacheLead: (hash) => `${tag}:cache-lead:${hash}`,
    textCount: `${tag}:text-count`,
    text: (number) => `${tag}:text:${number}`,
    agentTexts: (agentId) => `${tag}:texts-of:${agentId}`,
    textShard: (shard) => `${tag}:text-shard:${shard}`,
    settledChannel: `${tag}:settled`,
    cancelledChannel: `${tag}:cancelled`,
    partialChannel: (jobId) => `${tag}:partial:${jobId}`,
    epochsChannel: `${tag}:epochs`,
  };
}
