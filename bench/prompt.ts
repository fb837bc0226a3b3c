/** What every contestant asks for. */
export const TOPIC = "the smell of rain on warm stones";
export const SYSTEM_PROMPT = "You write short posts.";
export const MODEL = "gpt-6-luna";
