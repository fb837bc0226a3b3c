/*
 * Texts that a vendor calls a success and that are none: refusals, error messages, templates that were not filled in. The
 * patterns are narrow: "I can't believe it's Friday", "I'm sorry, Dave" and "Error 404: coffee not found" are posts.
 */

const CANNOT =
  "(?:can(?:no|['’])t|can not|am (?:not able|unable) to|['’]m (?:not able|unable) to|won['’]t(?: be able to)?|will not)";
const THAT = "(?:that|this|these|those|it|such|your request|the request|requests?|any|anything)\\b(?! but)";
const WRITING = "(?:creat|generat|writ|produc|compos|craft|post|draft)(?:e|ing|es)?";
const WRITTEN =
  "(?:(?:a|an|any|the|such|this|that|these|those)\\s+)?(?:\\w+\\s+){0,2}?(?:content|material|tweets?|posts?|repl(?:y|ies)|responses?|texts?|threads?)\\b";
const TASK = [
  `(?:help|assist)(?:\\s+you)?\\s+(?:with\\s+${THAT}|(?:with\\s+|in\\s+|by\\s+)?${WRITING}\\b)`,
  `(?:help|assist)(?:\\s+you)?\\s*(?:here)?[.!]?$`,
  `(?:fulfil?l|comply with|complete|process|honou?r|accommodate|respond to|engage with|participate in|continue with)\\s+(?:${THAT}|your\\b|the\\b)`,
  `(?:provide|share|${WRITING})\\s+(?:${WRITTEN}|${THAT}(?!\\s+to\\b))`,
  "do that\\b[.,!]?\\s*$",
].join("|");
const SORRY =
  "(?:(?:i['’]?m|i am) (?:really |very |so )?sorry|sorry|i apologi[sz]e|apologies|unfortunately|regrettably)[,.!;:]?\\s+(?:but\\s+|that\\s+)?";
const AS_AN_AI =
  "as an? (?:ai|artificial intelligence|(?:large )?language model)(?: language model| model| assistant| system)?(?: (?:developed|created|trained|made) by \\w+)?,?\\s+";

const REFUSALS: readonly RegExp[] = [
  new RegExp(`^(?:${SORRY})?(?:${AS_AN_AI})?i\\s*${CANNOT}\\s+(?:${TASK})`, "i"),
  new RegExp(
    `^(?:${SORRY})?i(?: must| have to|['’]ll have to| will have to) (?:respectfully |politely )?(?:decline|refuse)\\b(?! (?:the|your|his|her|their|an|a) (?:invitation|offer|cake|drink))`,
    "i",
  ),
  new RegExp(
    `^(?:${SORRY})?i(?:['’]m| am) not (?:comfortable|able to be comfortable)\\s+(?:with\\s+)?(?:${WRITING}|provid(?:e|ing)|help(?:ing)?|assist(?:ing)?)\\b`,
    "i",
  ),
  new RegExp(
    `^${AS_AN_AI}i\\s*${CANNOT}\\s+(?:express|have|hold|form|take|offer)\\s+(?:personal |political )?(?:opinions?|views?|beliefs?|stances?)`,
    "i",
  ),
  /^(?:this|that|the|your) request (?:violates|goes against|is against|falls outside|can(?:no|['’])t be)\b/i,
  /^(?:es tut mir leid|tut mir leid|entschuldigung)[,.]? (?:aber )?(?:ich kann|das kann ich|dabei kann ich)[^.!?\n]{0,60}\bnicht (?:helfen|schreiben|erstellen|erfüllen|nachkommen|behilflich)/i,
  /^(?:lo siento|disculpa|lamento)[,.]? (?:pero )?no (?:puedo|podré) (?:ayudar|ayudarte|crear|generar|escribir|cumplir|proporcionar)/i,
  /^(?:désolée?|je suis désolée?|navrée?)[,.]? (?:mais )?je ne (?:peux|pourrai) pas (?:vous aider|t['’]aider|aider|créer|générer|écrire|fournir|répondre)/i,
];

export function findRefusal(text: string): string | null {
  const refusal = REFUSALS.some((pattern) => pattern.test(text));
  return refusal ? beginning(text) : null;
}

const ERRORS: readonly RegExp[] = [
  /^<(?:!doctype|html|\?xml|head|body)\b/i,
  /^(?:undefined|null|nan|none|n\/a|\[object \w+\])$/i,
  /^(?:(?:http )?error[:\s]\s*)?(?:\(?\d{3}\)?[:\s-]+)?(?:internal server error|bad gateway|service unavailable|gateway time-?out|too many requests|rate limit (?:exceeded|reached)|request timed? ?out|connection (?:refused|reset)|unauthorized|forbidden)[.!]?$/i,
  /^(?:error|exception|traceback)\b.{0,80}\b(?:rate limit|api key|status code|stack trace|line \d+|http \d{3}|invalid_request|traceback)\b/is,
  /\{\{[^{}\n]{1,60}\}\}/,
  /\[(?:insert|your|add|topic|link to|name of|company|hashtag)\b[^\]\n]{0,60}\](?!\()/i,
];

export function findError(text: string): string | null {
  if (isJsonContainer(text)) return beginning(text);
  return ERRORS.some((pattern) => pattern.test(text)) ? beginning(text) : null;
}

function isJsonContainer(text: string): boolean {
  if (!/^[[{]/.test(text) || !/[\]}]$/.test(text)) return false;
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

const SHOWN_CHARACTERS = 60;

function beginning(text: string): string {
  const shown = text
    .replace(/\s+/g, " ")
    .slice(0, SHOWN_CHARACTERS)
    .replace(/\p{Surrogate}$/u, "");
  return shown.length < text.length ? `${shown}…` : shown;
}
