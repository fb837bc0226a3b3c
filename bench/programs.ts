import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** What a program of a benchmark can be asked; each request is answered before the next one is sent. */
type Requests<P> = Record<keyof P, (request: never) => Promise<unknown>>;

/** A process of its own that does one part of a benchmark. It ends with this process. */
export interface Program<P extends Requests<P>> extends Disposable {
  ask<Name extends keyof P & string>(
    name: Name,
    ...request: Parameters<P[Name]>
  ): Promise<Awaited<ReturnType<P[Name]>>>;
}

/** @param file a module that calls `serveRequests` */
export function startProgram<P extends Requests<P>>(file: URL): Program<P> {
  const child = fork(file);
  return {
    ask: async (name, ...request) => {
      child.send({ name, request });
      return (await answerOf(child)) as never;
    },
    [Symbol.dispose]: () => {
      if (child.connected) child.disconnect();
    },
  };
}

/** A program that dies has said on stderr why. */
async function answerOf(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  const ended = once(child, "exit", { signal: over.signal }).then(() => {
    throw new Error(`${child.spawnargs[1] ?? "a program"} of the benchmark has ended`);
  });
  try {
    const [reply] = (await Promise.race([once(child, "message", { signal: over.signal }), ended])) as [
      { answer: unknown },
    ];
    return reply.answer;
  } finally {
    over.abort();
    ended.catch(() => undefined);
  }
}

/** The other side of `startProgram`. A request that fails ends the program. */
export function serveRequests<P extends Requests<P>>(handlers: P): void {
  process.on("message", ({ name, request }: { name: keyof P; request: [never] }) => {
    void (async () => {
      // Without an answer there is no field, and nothing would be sent for `undefined` itself.
      process.send?.({ answer: await handlers[name](...request) });
    })();
  });
  process.on("disconnect", () => process.exit());
}
