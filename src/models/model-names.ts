export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/;
export const MODEL_NAME_EXPECTED =
  "the name of a model: 1–128 letters, digits and . _ : / @ -, starting with a letter or digit";

/** The same with `*`, which stands for any characters. */
export const MODEL_GLOB = /^[A-Za-z0-9*][A-Za-z0-9._:/@*-]{0,127}$/;
export const MODEL_GLOB_EXPECTED =
  "the name of a model, in which * stands for any characters: letters, digits and . _ : / @ - *";

/**
 * A fine-tuned model, `ft:gpt-4o:org::id`, takes and costs what its base does, unless something more is known of it;
 * `models/gemini-2.5-flash` is Google's own spelling of `gemini-2.5-flash`.
 */
export function baseModel(model: string): string {
  return /^ft:([^:]+)/.exec(model)?.[1] ?? withoutFolder(model);
}

/** Google's lists and documents write the folder, and its API takes both. */
export function withoutFolder(model: string): string {
  return model.replace(/^models\//, "");
}

/** Year, month and day, or month and day only: a version such as `-2.0` or `-2025` is none. */
const SNAPSHOT = /-(?:\d{4}-?\d{2}-?\d{2}|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|latest)$/;

/** A snapshot such as `gpt-6.1-sol-2026-09-29`, `claude-haiku-4-5-20251001`, `gpt-4-0613` or `grok-3-latest` is its model. */
export function undated(model: string): string {
  return model.replace(SNAPSHOT, "");
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
