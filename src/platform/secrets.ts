/*
 * The last look at whatever is printed, logged or stored. Known secrets are those that this process was given; the list is
 * the process's own because what prints last, a crash, knows nothing of what was read.
 */

const HIDDEN = "[key]";

/** Shorter ones are words such as `none` or `ollama`: taking those out would only garble what is said. */
const SHORTEST_CHARACTERS = 8;
/** Far more than any process has; who asks for new ones without end does not fill the memory. */
const MOST_SECRETS = 500;

/** Secret → the forms that it may appear in. */
const known = new Map<string, readonly string[]>();
/** Any form of any of them; with a hundred secrets one expression is three times as quick as a search for each. */
let pattern: RegExp | null = null;
let isOutdated = false;

/** From now on these are taken out of everything that is scrubbed, in whatever form they come. */
export function keepSecret(...secrets: readonly string[]): void {
  const added = secrets.filter((secret) => secret.length >= SHORTEST_CHARACTERS && !known.has(secret));
  if (added.length === 0) return;
  for (const secret of added) known.set(secret, formsOf(secret));
  for (const oldest of [...known.keys()].slice(0, Math.max(0, known.size - MOST_SECRETS))) known.delete(oldest);
  isOutdated = true;
}

/** For tests that share a process: what one of them has made a secret is an ordinary text to the next. */
export function forgetSecrets(): void {
  known.clear();
  pattern = null;
  isOutdated = false;
}

function patternOfAll(): RegExp | null {
  if (!isOutdated) return pattern;
  isOutdated = false;
  // Longest first: one may be part of another.
  const forms = [...new Set([...known.values()].flat())].sort((a, b) => b.length - a.length);
  pattern = new RegExp(forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"), "g");
  return pattern;
}

/** As it is, within JSON, within a URL, and within base64 (of a header, say) wherever it begins there. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const encoded = [0, 1, 2].map((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    // The first and last characters also depend on what stands around it.
    return whole.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
  });
  return [
    ...[secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())],
    ...encoded.flatMap((text) => [text, text.replaceAll("+", "-").replaceAll("/", "_")]),
  ];
}

/** Without the secrets of this process. For texts in which everything else must stay. */
export function withoutKnownSecrets(text: string): string {
  const all = patternOfAll();
  return all === null ? text : text.replace(all, HIDDEN);
}

/**
 * What vendors call their keys: OpenAI, Anthropic, DeepSeek, OpenRouter `sk-…`, xAI `xai-…`, Groq `gsk_…`, Google `AIza…`
 * and `AQ.…`, Hugging Face `hf_…`, Perplexity `pplx-…`, NVIDIA `nvapi-…`, Cerebras `csk-…`, Replicate `r8_…`. With at least
 * 16 more characters, a digit among them.
 */
const KEY = /(?<![A-Za-z0-9])(?:(?:sk|xai|pplx|nvapi|csk)-|gsk_|hf_|r8_|AIza|AQ\.)(?=[A-Za-z_-]{0,200}[0-9])[\w-]{16,}/;
const KEYS = new RegExp(KEY, "g");
/** Vendors quote keys with their middle hidden. */
const MASKED = /(?<![A-Za-z0-9])(?:sk|xai)-[\w.-]{0,40}\*[\w*.-]*/g;
/** Of a header. Base64 has a digit or an equals sign in it, English has not. */
const AUTHORIZATION = /\b(?:[Bb]earer\s+[\w.~+/=-]{8,}|[Bb]asic\s+(?=[A-Za-z+/]{0,200}[0-9=])[A-Za-z0-9+/]{8,}={0,2})/g;
/** URLs with a user or a password in them. */
const CREDENTIALS = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@"\\]+@/gi;

/** Without the secrets of this process, and without what looks like a secret of anybody's. */
export function scrub(text: string): string {
  return withoutKnownSecrets(text)
    .replace(KEYS, HIDDEN)
    .replace(MASKED, HIDDEN)
    .replace(AUTHORIZATION, HIDDEN)
    .replace(CREDENTIALS, "$1***@");
}

/** A key of anybody's, or a secret of this process, is in it. */
export function holdsSecret(text: string): boolean {
  return KEY.test(text) || withoutKnownSecrets(text) !== text;
}

/** The same error, without secrets in its message and its stack; its causes as well. For what others keep of it. */
export function scrubError<T>(error: T): T {
  for (let part: unknown = error, depth = 0; part instanceof Error && depth < 5; part = part.cause, depth++) {
    part.message = scrub(part.message);
    if (part.stack !== undefined) part.stack = scrub(part.stack);
  }
  return error;
}
