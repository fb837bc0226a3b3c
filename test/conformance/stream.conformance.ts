import { expect, it } from "vitest";
import { generateRequest } from "../support/generate-request.ts";
import { recordedAnswer, type RecordedAnswer } from "../support/recorded-answers.ts";
import type { Answer } from "../support/recorded-server.ts";
import { never, skipping, start, startHanging, type ProviderSubject } from "./subject.ts";

const STREAM = { stream: true };

/** What a provider does when an agent says `stream: true`. */
export function streamConformance(subject: ProviderSubject): void {
  const check = skipping(subject);
  const request = generateRequest({ model: subject.model, parameters: STREAM });

  check("streams when told to: the text grows, and the usage is that of the end", async () => {
    await using it = await start(subject, ({ stream }) => [stream({ model: subject.model })]);
    const told: string[] = [];
    const response = await it.provider.generate({ ...request, onText: (text) => told.push(text) }, never);

    expect(it.server.calls[0]?.url).toBe(it.wire.path(subject.model, "stream"));
    expect(told).toEqual(["Hello ", "Hello from ", "Hello from the test server."]);
    expect(response).toMatchObject({ text: "Hello from the test server.", finishReason: "stop", model: subject.model });
    expect(response.usage).toMatchObject({ inputTokens: 40, outputTokens: 8, estimated: false });
    expect(response.adjustedParams.map(({ parameter }) => parameter)).not.toContain("stream");
  });

  check("puts a recorded stream together, wherever it is cut", async () => {
    await using it = await start(subject);
    expect(it.wire.recorded.streams.length).toBeGreaterThan(0);
    for (const { file, begins, ends, usage, kind } of it.wire.recorded.streams) {
      for (const bytes of [1, 7, 100_000]) {
        it.server.answerWith(inPieces(recordedAnswer(file), bytes));
        if (kind !== undefined) {
          expect(await it.failure({ parameters: request.parameters })).toMatchObject({ kind, usage });
          continue;
        }
        const response = await it.provider.generate(request, never);
        expect(response.text.startsWith(begins), response.text).toBe(true);
        expect(response.text.endsWith(ends), response.text).toBe(true);
        expect(response.usage).toMatchObject(usage);
      }
    }
  });

  check("estimates the usage of a stream that tells none", async () => {
    await using it = await start(subject, ({ stream }) => [stream({ usage: false })]);
    expect((await it.provider.generate(request, never)).usage).toMatchObject({ estimated: true });
  });

  check("takes a whole answer where a stream was asked for", async () => {
    await using it = await start(subject);
    expect((await it.provider.generate(request, never)).text).toBe("Hello from the test server.");
  });

  check("takes a stream without its end for no answer, however it ends", async () => {
    await using it = await start(subject, ({ stream }) => [
      stream({ isWhole: false }),
      thenReset(stream({ isWhole: false })),
    ]);
    const { parameters } = request;

    expect(await it.failure({ parameters })).toMatchObject({
      kind: "invalid-response",
      sent: "yes",
      status: 200,
      message: "HTTP 200: the stream ended before the answer did",
    });
    const broken = await it.failure({ parameters });
    expect(broken).toMatchObject({ kind: "invalid-response", sent: "yes", status: 200 });
    expect(broken.message).toMatch(/^the stream broke off/);
  });

  check("keeps a text that was complete when the connection broke", async () => {
    await using it = await start(subject, ({ stream }) => [thenReset(stream())]);
    expect((await it.provider.generate(request, never)).text).toBe("Hello from the test server.");
  });

  check("does not wait for a server that keeps a stream open after its last event", async () => {
    await using it = await start(subject, ({ stream }) => [thenNothing(stream())]);
    // Where no event says that it is the last, more may come until the deadline; what came is whole all the same.
    const timeoutMs = it.wire.hasLastEvent ? 3_600_000 : 150;
    const response = await it.provider.generate({ ...request, timeoutMs }, never);
    expect(response.text).toBe("Hello from the test server.");
    expect(response.usage.estimated).toBe(false);
    await it.server.idle();
    expect(it.server.calls[0]?.state).toBe("broken");
  });

  check("keeps a text that was complete when the signal fired", async () => {
    await using it = await start(subject, ({ stream }) => [thenNothing(stream())]);
    const controller = new AbortController();
    const heard = Promise.withResolvers<void>();
    const onText = (text: string): void => (text.endsWith("server.") ? heard.resolve() : undefined);
    const answer = it.provider.generate({ ...request, onText }, controller.signal);
    await heard.promise;
    // The end comes in the same packet, or in the next one.
    setImmediate(() => controller.abort());
    expect((await answer).text).toBe("Hello from the test server.");
  });

  check("tells an error in the stream for what it is", async () => {
    await using it = await start(subject, ({ recorded }) => [recordedAnswer(recorded.streamError.file)]);
    const failure = await it.failure({ parameters: request.parameters });

    expect(failure).toMatchObject({ kind: it.wire.recorded.streamError.kind, sent: "yes", status: 200 });
    expect(failure.message).toMatch(/^HTTP 200, then an error in the stream: ./);
  });

  check("knows that an answer may be billed of which a part came before the error", async () => {
    const { parameters } = request;
    await using it = await start(subject, ({ stream, recorded }) => [
      thenError(stream({ isWhole: false }), recordedAnswer(recorded.streamError.file)),
      recordedAnswer(recorded.streamError.file),
    ]);
    const begun = await it.failure({ parameters });
    expect(begun).toMatchObject({ kind: it.wire.recorded.streamError.kind, hasBegun: true, usage: null });
    expect(await it.failure({ parameters })).toMatchObject({
      hasBegun: !it.wire.recorded.streamError.comesFirst,
    });
  });

  check("ends a stream that drips at the deadline", async () => {
    await using it = await start(subject, ({ stream }) => [thenNothing(stream({ isWhole: false }))]);
    const failure = await it.failure({ parameters: request.parameters, timeoutMs: 150 });

    expect(failure).toMatchObject({ kind: "timeout", sent: "unknown", status: 200 });
    await it.server.idle();
  });

  check("cuts off a text without an end", async () => {
    const texts = Array.from({ length: 80 }, () => "x".repeat(64 * 1024));
    await using it = await start(subject, ({ stream }) => [stream({ texts })]);
    const failure = await it.failure({ parameters: request.parameters });

    expect(failure).toMatchObject({ kind: "invalid-response", sent: "yes" });
    expect(failure.message).toBe("the answer is larger than 4 MiB and was cut off");
  });

  it("stops a stream when the signal fires", async () => {
    await using it = await startHanging(subject);
    const controller = new AbortController();
    const failure = it.failure({ parameters: request.parameters }, controller.signal);
    if (!("skip" in subject.wire)) await it.server.seen(1);
    controller.abort();

    expect(await failure).toMatchObject({ kind: "aborted", sent: "unknown" });
    await it.server.idle();
  });
}

/** The body in pieces of so many bytes: characters, lines and events are cut anywhere. */
function inPieces({ response: { status, headers, bodyText = "" } }: RecordedAnswer, bytes: number): Answer {
  return async (_, response) => {
    response.writeHead(status, headers);
    const body = Buffer.from(bodyText);
    // Thousands of packets would only slow the check down: small pieces are cut from the beginning.
    const cut = Math.min(body.length, 300 * bytes);
    for (let at = 0; at < cut; at += bytes) {
      await new Promise<void>((resolve) =>
        response.write(body.subarray(at, Math.min(cut, at + bytes)), () => resolve()),
      );
    }
    response.end(body.subarray(cut));
  };
}

/** The error's events after those of an answer. */
function thenError({ response }: RecordedAnswer, { response: error }: RecordedAnswer): RecordedAnswer {
  return { response: { ...response, bodyText: `${response.bodyText}${error.bodyText}` } };
}

function thenReset({ response: { status, headers, bodyText } }: RecordedAnswer): Answer {
  return async (_, response) => {
    response.writeHead(status, headers);
    await new Promise<void>((resolve) => response.write(bodyText, () => resolve()));
    response.socket?.resetAndDestroy();
  };
}

function thenNothing({ response: { status, headers, bodyText } }: RecordedAnswer): Answer {
  return (_, response) => {
    response.writeHead(status, headers);
    response.write(bodyText);
  };
}
