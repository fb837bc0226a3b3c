import type { UsageRecord } from "../job/usage-record.ts";
import type { AdmitReply } from "./admission.ts";

type RefusedReply = readonly ["refused", string, ...string[]];

const COUNTED: Readonly<Record<string, string>> = {
  tokens: "tokens",
  input: "input tokens",
  output: "output tokens",
};

const PICO_PER_USD = 1e12;

/** What ADMIT refuses for good, in words that say what to do. */
export function describeRefusal(
  [, why, ...facts]: RefusedReply,
  { provider, model }: Pick<UsageRecord, "provider" | "model">,
): AdmitReply & { answer: "refused" } {
  if (why === "too-large") {
    const [counted = "", amount, limit] = facts;
    const what = COUNTED[counted] ?? counted;
    const detail = `it needs about ${amount} ${what}, and the limit is ${limit} ${what} per minute`;
    return { answer: "refused", why: "too-large", detail };
  }
  if (why === "unpriced") {
    const detail = `the price of ${provider}/${model} is not known and budgets.unknownPrice is "refuse": add it under "prices"`;
    return { answer: "refused", why: "budget", detail };
  }
  const [name = "", spent, limit] = facts;
  const detail = `the budget of today (UTC) is used up: ${showBudgetName(name)}, ${usd(spent)} of ${usd(limit)} USD spent`;
  return { answer: "refused", why: "budget", detail };
}

/** `agent|ada` → `agent ada` */
export function showBudgetName(name: string): string {
  return name.replace("|", " ");
}

function usd(pico: string | undefined): string {
  return String(Number((Number(pico) / PICO_PER_USD).toPrecision(6)));
}
