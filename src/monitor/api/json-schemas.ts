import type { SwaggerTransform, SwaggerTransformObject } from "@fastify/swagger";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";

type JsonSchema = Record<string, unknown>;

interface Made {
  readonly zodSchema: z.core.$ZodType;
  readonly jsonSchema: JsonSchema;
}

/** What zod makes of a schema is corrected where it says more or less than what is meant. */
const CONFIG = {
  override({ zodSchema, jsonSchema }: Made): void {
    const { jsonSchema: instead, examples } = z.globalRegistry.get(zodSchema) ?? {};
    if (instead !== undefined) {
      for (const name of Object.keys(jsonSchema)) delete jsonSchema[name];
      Object.assign(jsonSchema, instead);
      return;
    }
    // Left out by zod where something is sent in another form than it is checked in.
    if (examples !== undefined) jsonSchema["examples"] = examples;
    // TypeScript's business.
    delete jsonSchema["readOnly"];
    const { type, catchall } = zodSchema._zod.def as { type: string; catchall?: unknown };
    if (type !== "object") return;
    // What is sent must have no other fields; what is answered may have more in later versions.
    if (catchall === undefined) delete jsonSchema["additionalProperties"];
    else jsonSchema["additionalProperties"] = false;
  },
};

/** The JSON schemas of a route. */
export const transform: SwaggerTransform = createJsonSchemaTransform({ zodToJsonConfig: CONFIG });

const transformAll: SwaggerTransformObject = createJsonSchemaTransformObject({ zodToJsonConfig: CONFIG });

/** Adds the components. Each schema with an id is there once for requests and once for answers: only what is used stays. */
export const transformObject: SwaggerTransformObject = (document) => {
  const { components = {}, ...rest } = transformAll(document) as {
    readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> };
  };
  const schemas = usedComponents(components.schemas ?? {}, rest);
  return { ...rest, components: { ...components, schemas } } as ReturnType<SwaggerTransformObject>;
};

function usedComponents(schemas: Readonly<Record<string, unknown>>, rest: object): Readonly<Record<string, unknown>> {
  const used = new Set<string>();
  const look = (part: unknown): void => {
    for (const [, name = ""] of JSON.stringify(part).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name)) continue;
      used.add(name);
      look(schemas[name] ?? {});
    }
  };
  look(rest);
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
}
