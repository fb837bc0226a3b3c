import { expect, it } from "vitest";
import type { BatchApi } from "../../src/providers/batch.ts";
import type { Provider } from "../../src/providers/provider.ts";
import { createProviders } from "../../src/providers/registry.ts";
import { generateRequest } from "../support/generate-request.ts";
import { collect, MARKER } from "./batch-subject.ts";
import { never } from "./subject.ts";

function fakeTarget(): { readonly provider: Provider; readonly api: BatchApi } {
  const target = createProviders({ fake: {} }).get("fake")?.targets("fake-1")[0];
  if (!target?.batch) throw new Error("the fake provider has no batches");
  return { provider: target.provider, api: target.batch };
}

it("the fake provider's batches are the same after a restart, and answer what live calls do", async () => {
  const rows = new Map([0, 1].map((row) => [`${MARKER}-${row}`, generateRequest({ attemptId: `j_${row}.1` })]));
  const id = await fakeTarget().api.submit(rows, MARKER, never);
  const { api, provider } = fakeTarget();
  expect(await api.status(id, never)).toEqual({ state: "ended", expiresAt: null, done: 2, total: 2, message: null });
  const results = await collect(api, rows);
  expect([...results.keys()]).toEqual([...rows.keys()]);
  for (const [row, request] of rows) {
    const { text } = await provider.generate(request, never);
    expect(results.get(row)).toMatchObject({ is: "answered", response: { text } });
  }
  const probe = { marker: MARKER, submittedAfter: 0, rows: 2, known: new Set<string>() };
  expect(await api.find(probe, never)).toBe(null);
  await api.cancel(id, never);
});
