import type { BatchRecord } from "../job/batch-record.ts";
import { systemClock } from "../platform/clock.ts";
import { duration, integer } from "../platform/numbers.ts";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import { alignedTable, type Column } from "./aligned-table.ts";
import type { AddCommand } from "./command.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { openWorkplace } from "./workplace.ts";

export const batchesCommand: AddCommand = (program, end) => {
  const batches = program.command("batches").description("batches at the vendors: how far they are; cancel one");
  batches
    .command("list", { isDefault: true })
    .description("those under way, and those that ended within 30 days")
    .option("--json", "print JSON")
    .action(async ({ json = false }: { json?: boolean }) => end(await list(json)));
  batches
    .command("cancel <id>")
    .description("have the vendor end it: what is answered counts, the other rows are delivered live")
    .action(async (id: string) => end(await cancel(id)));
};

async function list(json: boolean): Promise<ExitCode> {
  await using workplace = await openWorkplace({ agents: "none" });
  await using operator = workplace.operator();
  const batches = await operator.batches.list();
  if (json) console.log(JSON.stringify(batches));
  else if (batches.length === 0) console.log("no batches in the last 30 days");
  else console.log(alignedTable(batches, columns(systemClock.now()), { text: 2, number: 2 }));
  return EXIT.ok;
}

function columns(now: number): Column<BatchRecord>[] {
  return [
    { head: "batch", cell: ({ id }) => id },
    { head: "state", cell: ({ state }) => state },
    { head: "model", cell: ({ provider, model }) => `${provider}/${model}`, mayBeCut: true },
    { head: "rows", isNumber: true, cell: ({ total }) => integer(total) },
    { head: "done", isNumber: true, cell: ({ done }) => integer(done) },
    { head: "texts", isNumber: true, cell: ({ succeeded }) => integer(succeeded) },
    { head: "live", isNumber: true, cell: ({ returned }) => integer(returned) },
    { head: "formed", isNumber: true, cell: ({ createdAt }) => `${duration(now - createdAt)} ago` },
    { head: "at the vendor", cell: ({ vendorId, message }) => vendorId ?? message ?? "", mayBeCut: true },
  ];
}

async function cancel(id: string): Promise<ExitCode> {
  await using workplace = await openWorkplace({ agents: "none" });
  await using operator = workplace.operator();
  if (await operator.batches.cancel(id)) {
    console.log(`${id} will be cancelled: a worker tells the vendor`);
    return EXIT.ok;
  }
  const batch = await operator.batches.read(id);
  const got = batch === null ? showValue(id) : `${showValue(id)}, which is ${batch.state}`;
  const expected = "the id of a batch under way; `puppet-engine batches` lists them";
  throw new InvalidInputError([{ source: "batches", path: "id", got, expected }]);
}
