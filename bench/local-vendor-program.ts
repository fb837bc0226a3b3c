/** What `local-vendor.ts` can be asked, and the paths that it knows. */
export type Behaviour = "ok" | "hang" | "500" | "401" | "quota";

/** No connection is ever accepted here: port 1 is reserved and nobody listens on it. */
export const CLOSED_PORT_URL = "http://127.0.0.1:1/v1";

export interface LocalVendorProgram {
  /** @returns e.g. `http://127.0.0.1:40123` */
  start(request: { readonly latencyMs: number }): Promise<string>;
}
