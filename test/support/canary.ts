import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Redis } from "ioredis";

/** Name → a secret that must be found nowhere. Anew in every run. */
export type Canaries = Readonly<Record<string, string>>;

export function canary(start: string, end = ""): string {
  return `${start}${randomBytes(12).toString("hex")}${end}`;
}

/** Where something was found, what, and in which form; empty: nothing was. */
export function findCanaries(places: ReadonlyMap<string, string>, canaries: Canaries): string[] {
  const wanted = Object.entries(canaries).flatMap(([name, value]) =>
    Object.entries(formsOf(value)).map(([form, text]) => ({ what: `${name} ${form}`, text })),
  );
  return [...places].flatMap(([place, content]) =>
    wanted
      .filter(({ text }) => content.includes(text))
      .map(({ what, text }) => {
        const at = content.indexOf(text);
        return `${place}: ${what}: …${content.slice(Math.max(0, at - 80), at + text.length + 20)}…`;
      }),
  );
}

/** Written here anew, and not taken from what is tested. */
function formsOf(value: string): Readonly<Record<string, string>> {
  const shifted = ["", "x", "xx"].map((before) =>
    // Four characters of base64 are three bytes: whole groups in the middle depend on nothing around them.
    Buffer.from(`${before}${value}`).toString("base64").slice(4, -4),
  );
  return {
    "as it is": value,
    "within JSON": JSON.stringify(value).slice(1, -1),
    "within JSON within JSON": JSON.stringify(JSON.stringify(value).slice(1, -1)).slice(1, -1),
    "within a URL": encodeURIComponent(value),
    "within HTML": value.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;"),
    "as hex": Buffer.from(value).toString("hex"),
    ...Object.fromEntries(shifted.map((text, index) => [`as base64, shifted by ${index}`, text])),
    ...Object.fromEntries(
      shifted.map((text, index) => [
        `as base64 of URLs, shifted by ${index}`,
        text.replaceAll("+", "-").replaceAll("/", "_"),
      ]),
    ),
  };
}

/** Everything that a Redis holds, by key. */
export async function readWholeRedis(redis: Redis): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>();
  for await (const keys of redis.scanStream({ count: 1000 })) {
    for (const key of keys as string[]) {
      places.set(`Redis ${key}`, `${key} ${JSON.stringify(await readKey(redis, key))}`);
    }
  }
  return places;
}

async function readKey(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case "string":
      return await redis.get(key);
    case "hash":
      return await redis.hgetall(key);
    case "list":
      return await redis.lrange(key, 0, -1);
    case "set":
      return await redis.smembers(key);
    case "zset":
      return await redis.zrange(key, "0", "-1");
    case "stream":
      return await redis.xrange(key, "-", "+");
    default:
      throw new Error(`${key} is a ${type}, which this cannot read`);
  }
}

/** All files below a folder, by their path in it. @param except these were written by the test itself */
export async function readAllFiles(folder: string, except: readonly string[] = []): Promise<Map<string, string>> {
  const places = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    if (entry.isFile() && !except.includes(name)) places.set(`file ${name}`, await readFile(path, "latin1"));
  }
  return places;
}
