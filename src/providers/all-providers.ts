/* The only list of providers: one line here makes a folder a provider. */
export { ANTHROPIC } from "./anthropic/anthropic-provider.ts";
export { FAKE } from "./fake/fake-provider.ts";
export { GEMINI } from "./gemini/gemini-provider.ts";
export { GROK } from "./grok/grok-provider.ts";
export { LOCAL } from "./local/local-provider.ts";
export { OPENAI } from "./openai/openai-provider.ts";
