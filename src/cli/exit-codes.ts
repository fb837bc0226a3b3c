/** What the exit code of `puppet-engine` says. */
export const EXIT = {
  ok: 0,
  /** A defect: nothing of the below. */
  unexpected: 1,
  /** Wrong usage, configuration, agents or input file. */
  usage: 2,
  invalidRows: 3,
  jobsFailed: 4,
  redisUnreachable: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
