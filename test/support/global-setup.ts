import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import type { TestProject } from "vitest/node";
import { REDIS_SETTINGS, startLocalRedis } from "./redis-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    readonly redisUrl: string;
    /** Begins the name of every namespace of this run. */
    readonly runId: string;
  }
}

interface TestRedis {
  readonly url: string;
  /** One line for people. */
  readonly origin: string;
  readonly stop: () => Promise<void>;
}

const ENGINE_TIMEOUT_MS = 2_000;
const IMAGE = "redis:8-alpine";

/** One Redis for the whole run; tests keep apart by their namespaces. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = redisFromEnvironment() ?? (await redisInContainer()) ?? (await redisOfThisMachine());
  const runId = `test-${randomBytes(4).toString("hex")}`;
  console.log(`Tests use ${redis.origin}.`);
  project.provide("redisUrl", redis.url);
  project.provide("runId", runId);
  return async () => {
    try {
      await removeKeys(redis.url, runId);
    } finally {
      await redis.stop();
    }
  };
}

function redisFromEnvironment(): TestRedis | null {
  const url = process.env["REDIS_URL"];
  if (url === undefined || url === "") return null;
  return { url, origin: "the Redis of REDIS_URL", stop: () => Promise.resolve() };
}

async function redisOfThisMachine(): Promise<TestRedis> {
  const redis = await startLocalRedis();
  return {
    url: redis.url,
    origin: `a local redis-server ${redis.version}`,
    stop: async () => redis[Symbol.asyncDispose](),
  };
}

async function redisInContainer(): Promise<TestRedis | null> {
  // Loading Testcontainers takes half a second, so only where an engine may be.
  if (!mayHaveContainerEngine()) return null;
  const { GenericContainer, getContainerRuntimeClient } = await import("testcontainers");
  const engine = await Promise.race([
    getContainerRuntimeClient().then(
      () => true,
      () => false,
    ),
    sleep(ENGINE_TIMEOUT_MS, false, { ref: false }),
  ]);
  if (!engine) return null;
  try {
    const container = await new GenericContainer(IMAGE)
      .withCommand(["redis-server", ...REDIS_SETTINGS])
      .withExposedPorts(6379)
      .start();
    return {
      url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
      origin: `a container of ${IMAGE}`,
      stop: async () => void (await container.stop()),
    };
  } catch (error) {
    console.log(`No container of ${IMAGE}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

/** Whether one of the places exists where Testcontainers looks for an engine. */
function mayHaveContainerEngine(): boolean {
  const { DOCKER_HOST, XDG_RUNTIME_DIR, TESTCONTAINERS_HOST_OVERRIDE } = process.env;
  if (DOCKER_HOST !== undefined || TESTCONTAINERS_HOST_OVERRIDE !== undefined) return true;
  const places = [
    "/var/run/docker.sock",
    join(homedir(), ".docker/run/docker.sock"),
    join(homedir(), ".docker/desktop/docker.sock"),
    join(homedir(), ".testcontainers.properties"),
    join(XDG_RUNTIME_DIR ?? `/run/user/${process.getuid?.()}`, "docker.sock"),
  ];
  return places.some((place) => existsSync(place));
}

/** What tests left behind matters only in a Redis that outlives the run. */
async function removeKeys(url: string, runId: string): Promise<void> {
  if (process.env["REDIS_URL"] === undefined) return;
  const redis = new Redis(url);
  const found: AsyncIterable<string[]> = redis.scanStream({ match: `*${runId}-*`, count: 1000 });
  for await (const keys of found) {
    if (keys.length > 0) await redis.unlink(...keys);
  }
  await redis.quit();
}
