import type { z } from "zod";

/**
 * Says what documents call a value that zod cannot describe: because it is checked in another form than it is sent, or by
 * code. The API's OpenAPI document is made from it.
 */
export function documentedAs<Schema extends z.ZodType>(schema: Schema, jsonSchema: object): Schema {
  return schema.meta({ jsonSchema });
}
