import { EXIT } from "./exit-codes.ts";
import type { AddCommand } from "./command.ts";
import { openWorkplace } from "./workplace.ts";

const MEANING = {
  cancelled: "cancelled: it will not run",
  cancelling: "a worker is at it and was told to stop",
  calling: "a worker is at it, and goes on",
  settled: "it was finished already; nothing changed",
  unknown: "there is no such job",
} as const;

export const cancelCommand: AddCommand = (program, end) => {
  program
    .command("cancel <id>")
    .description("cancel a job, also one in mid-call")
    .addHelpText("after", "\nExample:\n  $ puppet-engine cancel rain-1\n\nExit code 2: there is no such job.")
    .action(async (id: string) => {
      await using workplace = await openWorkplace({ agents: "none" });
      await using producer = workplace.producer();
      const reply = await producer.cancel(id);
      console.log(`${id}: ${MEANING[reply]}`);
      end(reply === "unknown" ? EXIT.usage : EXIT.ok);
    });
};
