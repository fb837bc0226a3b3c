import { z } from "zod";
import { MODEL_NAME, MODEL_NAME_EXPECTED } from "../models/model-names.ts";
import { modelPriceSchema } from "../models/models-file.ts";
import { strictObject } from "../platform/zod-faults.ts";
import { limitFields, withAnAmount } from "./limits-schema.ts";
import { listOf, text } from "./schema-parts.ts";

/* Providers of the operator's own: any server that speaks OpenAI's chat completions, under a name of its own. */

const nameError = "a name: a lower-case letter, then up to 31 of a–z 0–9 -";
const variableError = "the name of an environment variable, such as GROQ_API_KEY";
const headerError = "the name of a header that is not set by the call itself";

/** What stands there by mistake may be the key itself, and is not shown. */
const variable = z.custom<string>((name) => typeof name === "string" && /^[A-Z][A-Z0-9_]{0,63}$/.test(name), {
  error: variableError,
  params: { got: "something else (not shown: it may be the key)" },
});

/** Those of the connection and of the call itself; with Accept-Encoding answers would come that nobody unpacks. */
const OWN_HEADERS =
  /^(?:authorization|connection|content-(?:encoding|length|type)|accept|accept-encoding|cookie|expect|host|keep-alive|proxy-.*|range|te|trailer|transfer-encoding|upgrade|user-agent|openai-organization|x-client-request-id)$/i;
const headerName = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, { error: headerError })
  .refine((name) => !OWN_HEADERS.test(name), { error: headerError });
const valueError = 'printable text, or {"variable": "NAME"} for what is secret';
const printable = (value: unknown): boolean => typeof value !== "string" || /^[\x20-\x7e]{1,1024}$/.test(value);
const headerValue = z
  .custom<unknown>(printable, { error: valueError, params: { got: "something else (not shown: it may be secret)" } })
  .pipe(z.union([z.string(), strictObject({ variable })], { error: valueError }));

const endpoint = strictObject({
  /** `https://api.example.com/v1` */
  baseUrl: text,
  /** Of agents that name no model. */
  model: z.string({ error: MODEL_NAME_EXPECTED }).regex(MODEL_NAME, { error: MODEL_NAME_EXPECTED }),
  /** Environment variable that holds its key; `<it>_FILE` is read as well. Default: it wants no key. */
  keyVariable: variable.optional(),
  /** Sent with every call. */
  headers: z
    .record(headerName, headerValue, {
      error: ({ code }) => (code === "invalid_key" ? headerError : "an object: header → value"),
    })
    .default({}),
  /** It runs on the operator's own machines: nobody sends a bill, and there is no limit to find out. */
  local: z.boolean({ error: "true or false" }).default(false),
  /** As `limits` of the file, for this endpoint. */
  limits: listOf(withAnAmount(strictObject(limitFields)), "limits").default([]),
  /** As `prices` of the file, for this endpoint. */
  prices: listOf(modelPriceSchema, "prices").default([]),
});

export type Endpoint = z.output<typeof endpoint>;

export const endpoints = z
  .record(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, { error: nameError }), endpoint, {
    error: ({ code }) => (code === "invalid_key" ? nameError : "an object: name → endpoint"),
  })
  .default({});
