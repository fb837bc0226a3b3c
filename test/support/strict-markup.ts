/** A strict reader for HTML that is well-formed XML: whatever a browser would have to guess is an error here. */

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Elements and texts, entities decoded. */
  readonly children: readonly (Element | string)[];
}

interface OpenElement extends Element {
  readonly children: (Element | string)[];
}

const TOKEN =
  /<!doctype html>\n|<\/(?<closing>[a-z][a-z0-9]*)>|<(?<opening>[a-z][a-z0-9]*)(?<attributes>(?:\s+[a-z0-9-]+="[^"<]*")*)\s*(?<selfClosing>\/?)>|(?<text>[^<>]+)/giy;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

/** @throws Error saying what is wrong, and where */
export function parseStrictly(page: string): Element {
  const root: OpenElement = { name: "#document", attributes: {}, children: [] };
  const open = [root];
  let position = 0;
  for (const match of page.matchAll(TOKEN)) {
    position = match.index + match[0].length;
    const { closing, opening, attributes = "", selfClosing, text } = match.groups ?? {};
    const parent = open.at(-1) ?? root;
    if (text !== undefined) parent.children.push(decode(text));
    if (closing !== undefined && open.pop()?.name !== closing) throw new Error(`</${closing}> in ${parent.name}`);
    if (opening === undefined) continue;
    const element: OpenElement = { name: opening, attributes: readAttributes(attributes), children: [] };
    parent.children.push(element);
    if (selfClosing === "") open.push(element);
  }
  if (position !== page.length) throw new Error(`no markup at ${position}: ${page.slice(position, position + 60)}`);
  if (open.length > 1) throw new Error(`never closed: ${open.at(-1)?.name}`);
  return root;
}

function readAttributes(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([a-z0-9-]+)="([^"]*)"/gi)].map(([, name = "", value = ""]) => [
    name,
    decode(value),
  ]);
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) throw new Error(`an attribute twice: ${text}`);
  return Object.fromEntries(pairs) as Record<string, string>;
}

function decode(text: string): string {
  return text.replace(/&([^;&]*;?)/g, (entity, name: string) => {
    const character = ENTITIES[name.replace(/;$/, "")];
    if (character === undefined || !name.endsWith(";")) throw new Error(`no entity: ${entity}`);
    return character;
  });
}

/** All elements below, in document order. */
export function elementsOf(element: Element): Element[] {
  return element.children.flatMap((child) => (typeof child === "string" ? [] : [child, ...elementsOf(child)]));
}

/** All of its text, as it stands. */
export function textOf(element: Element): string {
  return element.children.map((child) => (typeof child === "string" ? child : textOf(child))).join("");
}

export function withClass(elements: readonly Element[], name: string): Element[] {
  return elements.filter(({ attributes }) => attributes["class"]?.split(" ").includes(name));
}
