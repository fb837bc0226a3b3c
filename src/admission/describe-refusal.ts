import type { UsageRecord } from "../job/usage-record.ts";
import type { AdmitReply } from "./admission.ts";

type RefusedReply = readonly ["refused", string, ...string[]];

const COUNTED: Readonly<Record<string, string>> = {
  tokens: "tokens",
  input: "input tokens",
  output: "output tokens",
};

const PICO_PER_MICRO = 1e6;
const MICRO_PER_USD = 1e6;

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
  const [field = "", spent, limit, first] = facts;
  const name = showBudgetName(field);
  const detail = `the budget of today (UTC) is used up: ${name}, ${usd(spent)} of ${usd(limit)} USD spent`;
  const usedUp = { name, usedMicroUsd: microUsd(spent), limitMicroUsd: microUsd(limit), isUsedUp: true };
  return { answer: "refused", why: "budget", detail, ...(first === "first" && { usedUp }) };
}

/** `agent|ada` → `agent ada` */
export function showBudgetName(name: string): string {
  return name.replace("|", " ");
}

/** @param pico as scripts write it */
export function microUsd(pico: string | undefined): number {
  return Number(pico) / PICO_PER_MICRO;
}

function usd(pico: string | undefined): string {
  return String(Number((microUsd(pico) / MICRO_PER_USD).toPrecision(6)));
}
