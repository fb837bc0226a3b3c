/** A piece of HTML. Only `html` makes one, so that no text gets into a page unescaped, nor an object from elsewhere. */
class Markup {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  get markup(): string {
    return this.#markup;
  }
}

export type Html = Markup;

type Part = Html | string | number | readonly Html[];

/** Escapes every text and number in it; HTML and lists of HTML stay as they are. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Markup(strings.reduce((page, text, index) => page + markupOf(parts[index - 1] ?? "") + text));
}

export const NOTHING: Html = new Markup("");

/** For what is written in our own sources, and for nothing else. */
export function trustedMarkup(markup: string): Html {
  return new Markup(markup);
}

function markupOf(part: Part): string {
  if (isList(part)) return part.map(({ markup }) => markup).join("");
  return part instanceof Markup ? part.markup : escape(String(part));
}

/** `Array.isArray` does not narrow read-only lists. */
function isList(part: Part): part is readonly Html[] {
  return Array.isArray(part);
}

const ESCAPED: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** What HTML must not contain at all (control characters, halves of surrogate pairs) becomes U+FFFD. */
function escape(text: string): string {
  return text
    .toWellFormed()
    .replace(/(?![\t\n\r])[\p{Cc}\ufffe\uffff]/gu, "\ufffd")
    .replace(/[&<>"']/g, (character) => ESCAPED[character] ?? "");
}
