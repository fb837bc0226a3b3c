import { createProviders } from "../../src/providers/registry.ts";
import { providerConformance } from "./provider.conformance.ts";

providerConformance({
  id: "fake",
  model: "fake-1",
  start: () => createProviders({ fake: {} }),
  startSlow: () => createProviders({ fake: { options: { latencyMs: 3_600_000 } } }),
  wire: { skip: "the fake provider makes no HTTP calls" },
});
