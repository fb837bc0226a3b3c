import type { GenerationResult } from "../job/generation-result.ts";
import type { PartialText } from "../job/partial-text.ts";
import { writeText, type OutputStream } from "./output-stream.ts";

/** Prints a text while it grows: only what is new, so that a terminal may wrap it as it likes. */
export interface TextPrinter {
  text(partial: PartialText): void;
  /** Prints the rest of a text that is complete, and ends the line in any case. `null`: there is no result. */
  end(result: GenerationResult | null): void;
}

export function textPrinter(stream: OutputStream): TextPrinter {
  const write = (output: string): void => writeText(stream, output);
  let shown = "";
  const endLine = (): void => {
    if (shown !== "" && !shown.endsWith("\n")) write("\n");
  };
  const show = (text: string, author: string): void => {
    if (!text.startsWith(shown)) {
      endLine();
      write(`— started anew by ${author}\n`);
      shown = "";
    }
    write(text.slice(shown.length));
    shown = text;
  };
  return {
    text: (partial) => show(withoutHalfCharacter(partial.text), authorOf(partial)),
    end(result) {
      if (result?.status !== "succeeded") return endLine();
      const last = result.attempts.at(-1);
      show(result.text, last === undefined ? result.provider : authorOf(last));
      write("\n");
    },
  };
}

function authorOf({ attempt, provider, model }: Omit<PartialText, "text">): string {
  return `attempt ${attempt} (${provider}/${model})`;
}

/** Written alone, half a surrogate pair would come out as a question mark, and so would the other half. */
function withoutHalfCharacter(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, "");
}
