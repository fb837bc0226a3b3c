import { Ajv2020, type AnySchemaObject, type ValidateFunction } from "ajv/dist/2020.js";
import { expect } from "vitest";
import type { Sending, TestMonitor } from "./open-monitor.ts";

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly { readonly token: readonly string[] }[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: AnySchemaObject }>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content: Readonly<Record<string, { schema: object }>> }>
  >;
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, AnySchemaObject>> };
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Of `application/json`; `undefined`: it is something else. */
  readonly body: unknown;
}

/** Calls the API, and holds every answer against the OpenAPI document that the monitor serves. */
export interface ApiClient {
  readonly document: OpenApiDocument;
  call(line: string, sending?: Omit<Sending, "method">): Promise<ApiAnswer>;
  /** A call that must answer so. @returns its body */
  expect<T = Readonly<Record<string, unknown>>>(status: number, line: string, body?: unknown): Promise<T>;
}

export const API = "/api/v1";

/** @param token sent with every call */
export async function openApi(monitor: TestMonitor, token?: string): Promise<ApiClient> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { text } = await monitor.send(`${API}/openapi.json`, { headers: authorization });
  const document = JSON.parse(text) as OpenApiDocument;
  const check = createCheck(document);
  const call: ApiClient["call"] = async (line, sending = {}) => {
    const [method = "", path = ""] = line.split(" ");
    const headers = { ...authorization, ...sending.headers };
    const answer = await monitor.send(`${API}${path}`, { ...sending, method, headers });
    const type = answer.headers["content-type"] ?? "";
    const body: unknown = type.startsWith("application/json") ? JSON.parse(answer.text) : undefined;
    check(`${method} ${path}`, { status: answer.status, type, body });
    return { ...answer, body };
  };
  return {
    document,
    call,
    async expect<T>(status: number, line: string, body?: unknown) {
      const answer = await call(line, { body });
      expect({ line, status: answer.status, text: answer.text }).toMatchObject({ line, status });
      return answer.body as T;
    },
  };
}

/** Compiles schemas of a document. `strict`: objects have the fields that are documented, and no others. */
export function schemaCompiler(document: OpenApiDocument, { strict = false } = {}) {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false });
  ajv.addVocabulary(["components", "discriminator", "example"]);
  const seal = (schema: object): AnySchemaObject => {
    const text = JSON.stringify(schema).replaceAll('"#/components/', '"api#/components/');
    return JSON.parse(text, (_name, part: unknown) => (strict && isOpenObject(part) ? sealed(part) : part)) as object;
  };
  ajv.addSchema({ ...seal({ components: document.components }), $id: "api" });
  return (schema: object): ValidateFunction => ajv.compile(seal(schema));
}

type OpenObject = { readonly type: "object"; readonly properties: object };

function isOpenObject(part: unknown): part is OpenObject {
  const { type, properties } = (part ?? {}) as { type?: unknown; properties?: unknown };
  return type === "object" && typeof properties === "object" && !Object.hasOwn(part as object, "additionalProperties");
}

function sealed(part: OpenObject): object {
  return { ...part, additionalProperties: false };
}

interface Told {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

function createCheck(document: OpenApiDocument): (line: string, told: Told) => void {
  const compile = schemaCompiler(document, { strict: true });
  const compiled = new Map<string, ValidateFunction>();
  const routes = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      operation,
      line: `${method.toUpperCase()} ${path}`,
      pattern: new RegExp(
        `^${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, "[^/?]*").replaceAll(".", "\\.")}(?:\\?|$)`,
      ),
    })),
  );
  // What is fixed comes before what may be anything: /jobs/batch before /jobs/{id}.
  routes.sort((a, b) => Number(a.line.includes("{")) - Number(b.line.includes("{")));
  return (line, { status, type, body }) => {
    const route = routes.find(({ pattern }) => pattern.test(line.replace(" ", ` ${API}`)));
    if (route === undefined) return;
    const media = type.replace(/;.*/, "");
    const schema = route.operation.responses[String(status)]?.content[media]?.schema;
    expect({ route: route.line, status, media, isDocumented: schema !== undefined }).toMatchObject({
      isDocumented: true,
    });
    if (body === undefined || schema === undefined) return;
    const key = `${route.line} ${status}`;
    const validate = compiled.get(key) ?? compile(schema);
    compiled.set(key, validate);
    validate(body);
    expect({ answer: key, body, errors: validate.errors }).toMatchObject({ errors: null });
  };
}
