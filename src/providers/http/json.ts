/** The text itself when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What came in place of JSON of the expected kind, for messages. */
export function describeBody(text: string, body: unknown): string {
  if (text.trim() === "") return "an empty body";
  if (/^\s*</.test(text)) return "an HTML page";
  return body === text ? "broken JSON" : "other JSON";
}
