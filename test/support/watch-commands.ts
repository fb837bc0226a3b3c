import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { testRedisUrl } from "./redis.ts";

/**
 * Tells every command that the tests' Redis runs, those of scripts included: its name in lower case, and its first
 * argument. By hand: ioredis takes what other tests do for answers when it arrives together with that of MONITOR.
 */
export async function watchCommands(onCommand: (name: string, first: string) => void): Promise<AsyncDisposable> {
  const { hostname, port } = new URL(testRedisUrl());
  const socket = connect(Number(port), hostname).setEncoding("utf8");
  const lines = createInterface({ input: socket });
  const isWatching = Promise.withResolvers<void>();
  lines.on("line", (line) => {
    if (line === "+OK") return isWatching.resolve();
    // +1795714819.669987 [0 lua] "HEXISTS" "key" "field"
    const [, name = "", first = ""] = /\] "([^"]*)"(?: "([^"]*)")?/.exec(line) ?? [];
    onCommand(name.toLowerCase(), first);
  });
  socket.write("MONITOR\r\n");
  await isWatching.promise;
  return {
    async [Symbol.asyncDispose]() {
      const ended = once(socket, "close");
      lines.close();
      socket.destroy();
      await ended;
    },
  };
}
