import { createParser, type EventSourceParser } from "eventsource-parser";

export interface StreamEvent {
  /** `null`: it has none, and so is a plain message. */
  readonly name: string | null;
  readonly data: string;
}

/** Takes the bytes of a stream of server-sent events as they come, cut anywhere. */
export interface EventDecoder {
  /** @returns false: a single event is larger than it may be */
  feed(chunk: Buffer): boolean;
}

/** Comments, such as the keep-alives of gateways, are left out. An event without its end never was one. */
export function createEventDecoder(maxEventBytes: number, onEvent: (event: StreamEvent) => void): EventDecoder {
  const utf8 = new TextDecoder();
  let isTooLarge = false;
  const parser: EventSourceParser = createParser({
    maxBufferSize: maxEventBytes,
    onEvent: ({ event, data }) => onEvent({ name: event ?? null, data }),
    onError: ({ type }) => {
      if (type === "max-buffer-size-exceeded") isTooLarge = true;
    },
  });
  return {
    feed(chunk) {
      parser.feed(utf8.decode(chunk, { stream: true }));
      return !isTooLarge;
    },
  };
}
