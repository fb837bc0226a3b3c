import { isRecord } from "../../platform/field-fault.ts";
import type { BatchRowOutcome, BatchRowResult, BatchRows } from "../batch.ts";
import { ProviderError } from "../provider-error.ts";
import type { AdjustedParameter, GenerateRequest, ProviderId } from "../provider.ts";
import type { FileLine } from "./batch-http.ts";
import { respondToRow, type Dialect } from "./http-provider.ts";
import { parseJson } from "./json.ts";

/** What the batch APIs of all vendors have in common. */
export type RowDialect = Pick<Dialect<unknown>, "id" | "read">;

/** A live call's request, as it stands in a batch: nobody reads along. */
export function unstreamed(request: GenerateRequest): GenerateRequest {
  return { ...request, parameters: { ...request.parameters, stream: false } };
}

export interface RowReader {
  readonly id: ProviderId;
  /** What a line says of its row; `null`: it cannot be read. */
  outcomeOf(line: unknown, request: GenerateRequest): BatchRowOutcome | null;
}

/**
 * Every row that a file tells of; those that are not ours are left out. One that cannot be read fails alone.
 * @throws ProviderError when the file is none: then its rows are told of elsewhere, and not left out
 */
export async function* readRows(
  lines: AsyncIterable<FileLine>,
  rows: BatchRows,
  { id, outcomeOf }: RowReader,
): AsyncGenerator<BatchRowResult> {
  let isFile: boolean | null = null;
  for await (const line of lines) {
    const customId = customIdOf(line);
    isFile = isFile === true || customId !== null;
    const request = customId === null ? undefined : rows.get(customId);
    if (customId === null || request === undefined) continue;
    const outcome = line.isCut ? null : outcomeOf(parseJson(line.text), request);
    yield [customId, outcome ?? { is: "failed", error: unreadable(id, line) }];
  }
  if (isFile !== false) return;
  throw new ProviderError("an answer that is no file of results", {
    kind: "invalid-response",
    provider: id,
    sent: "yes",
  });
}

/** Quotes within a text are escaped, so that no text can be taken for it. */
const CUSTOM_ID = /"custom_id"\s*:\s*"([^"\\]{1,200})"/;

/** Also of a line that is broken, or too long to be kept whole: the id stands near its beginning. */
export function customIdOf({ text, isCut }: FileLine): string | null {
  const body = isCut ? null : parseJson(text);
  if (isRecord(body)) return typeof body["custom_id"] === "string" ? body["custom_id"] : null;
  return CUSTOM_ID.exec(text)?.[1] ?? null;
}

/** The vendor has answered, so it may have billed the row. */
function unreadable(provider: ProviderId, { isCut }: FileLine): ProviderError {
  const message = isCut ? "the answer is larger than 4 MiB and was cut off" : "a row that cannot be read";
  return new ProviderError(message, { kind: "invalid-response", provider, sent: "yes" });
}

export interface RowAnswer {
  readonly status: number;
  readonly body: unknown;
  /** `null`: the vendor gives rows none. */
  readonly requestId: string | null;
  readonly adjustedParams: readonly AdjustedParameter[];
  readonly now: () => number;
}

/** What an answer means in a batch: the same as by itself. */
export function answeredRow(
  dialect: RowDialect,
  request: GenerateRequest,
  { status, body, requestId, ...facts }: RowAnswer,
): BatchRowOutcome {
  const headers = requestId === null ? {} : { "x-request-id": requestId };
  const answer = { status, headers, text: JSON.stringify(body), isStream: false };
  try {
    return { is: "answered", response: respondToRow(dialect, request, { answer, ...facts }) };
  } catch (thrown) {
    if (!(thrown instanceof ProviderError)) throw thrown;
    return { is: "failed", error: thrown };
  }
}

/** Vendors refuse to cancel what is over, or about to be: then there is nothing left to do. */
export async function cancelUnlessOver(
  cancel: () => Promise<unknown>,
  isUnderWay: () => Promise<boolean>,
): Promise<void> {
  try {
    await cancel();
  } catch (error) {
    const isRefused = error instanceof ProviderError && error.status !== null && error.status < 500;
    if (!isRefused || (await isUnderWay())) throw error;
  }
}

/** For all that no vendor can be asked about any more, or not yet: nobody may take it for "there is none". */
export function cannotBeTold(provider: ProviderId, message: string): ProviderError {
  return new ProviderError(message, { kind: "overloaded", provider, sent: "yes" });
}

/** A 2xx body that is something else. */
export function noBatch(provider: ProviderId): ProviderError {
  return new ProviderError("an answer that is no batch", { kind: "invalid-response", provider, sent: "yes" });
}
