import type { Row } from "./matrix-types.ts";
import { AGENT_SETTINGS } from "./rows/agent-settings.ts";
import { FILE_FORMS } from "./rows/file-forms.ts";
import { JOB_ROWS } from "./rows/jobs.ts";
import { PROVIDER_ROWS } from "./rows/providers.ts";
import { RUNNING_ROWS } from "./rows/running.ts";
import { WHOLE_FILES } from "./rows/whole-files.ts";

/** Every row of the table of bad inputs, in its order, by every door. */
export const MATRIX: readonly Row[] = [
  AGENT_SETTINGS.temperature,
  AGENT_SETTINGS.parameters,
  AGENT_SETTINGS.unknownProvider,
  AGENT_SETTINGS.defaultProvider,
  AGENT_SETTINGS.chains,
  PROVIDER_ROWS.missingKey,
  JOB_ROWS.unknownField,
  AGENT_SETTINGS.notTaken,
  PROVIDER_ROWS.oddKeys,
  PROVIDER_ROWS.keysElsewhere,
  AGENT_SETTINGS.logitBias,
  PROVIDER_ROWS.endpointForms,
  PROVIDER_ROWS.endpointHosts,
  AGENT_SETTINGS.timeouts,
  JOB_ROWS.reservedNames,
  JOB_ROWS.prompts,
  JOB_ROWS.bidi,
  JOB_ROWS.jobIds,
  FILE_FORMS.duplicateIds,
  FILE_FORMS.encodings,
  FILE_FORMS.formulas,
  WHOLE_FILES.brokenLines,
  WHOLE_FILES.noFiles,
  WHOLE_FILES.outputs,
  RUNNING_ROWS.usage,
  RUNNING_ROWS.redis,
  RUNNING_ROWS.redisSettings,
  RUNNING_ROWS.interrupted,
  RUNNING_ROWS.requests,
];
