/** A fine-tuned model, `ft:gpt-4o:org::id`, takes and costs what its base does, unless something more is known of it. */
export function baseModel(model: string): string {
  return /^ft:([^:]+)/.exec(model)?.[1] ?? model;
}

/** A snapshot such as `gpt-6.1-sol-2026-09-29` or `claude-haiku-4-5-20251001` is its model. */
export function undated(model: string): string {
  return model.replace(/-\d{4}-?\d{2}-?\d{2}$/, "");
}

/** The names under which something may be known of a model, the most exact first. */
export function namesOf(model: string): readonly string[] {
  const base = baseModel(model);
  return [...new Set([model, undated(model), base, undated(base)])];
}

/** `*` stands for any characters. */
export function matchesGlob(glob: string, name: string): boolean {
  const pattern = glob.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${pattern.join(".*")}$`).test(name);
}
