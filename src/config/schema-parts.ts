import { z } from "zod";

/* What the fields of the configuration file are made of. Messages are the second half of "got X; expected <message>". */

export function numberFrom(min: number, max: number, unit = "a number"): z.ZodNumber {
  const error = `${unit} from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

export function integerFrom(min: number, max: number): z.ZodInt {
  const error = `an integer from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export const seconds = (fallback: number) => numberFrom(0.001, 86_400, "seconds, a number").default(fallback);
export const share = (fallback: number) => numberFrom(0, 1).default(fallback);

export const text = z.string({ error: "text" }).min(1, { error: "text that is not empty" });

export const listOf = <Item extends z.ZodType>(item: Item, what: string): z.ZodArray<Item> =>
  z.array(item, { error: `a list of ${what}` });
