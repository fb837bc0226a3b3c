import { html, type Html } from "../../platform/html.ts";

/** What can be chosen: value → how it reads. */
type Choices<Value extends string> = Readonly<Record<Value, string>>;

/** What an address says of one; anything else is the default: addresses are typed, and get old. */
export function pick<Value extends string>(
  query: URLSearchParams,
  name: string,
  [known, fallback]: readonly [Choices<Value>, NoInfer<Value>],
): Value {
  const given = query.get(name) ?? "";
  return Object.hasOwn(known, given) ? (given as Value) : fallback;
}

export function choices(name: string, known: Choices<string>, chosen: string): Html {
  return html`<select name="${name}">
    ${Object.entries(known).map(([value, words]) =>
      value === chosen
        ? html`<option value="${value}" selected>${words}</option>`
        : html`<option value="${value}">${words}</option>`,
    )}
  </select>`;
}
