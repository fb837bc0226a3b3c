import type { Role } from "../access/roles.ts";

/** Where a part of a page stands, and for whom. */
export interface Here {
  readonly role: Role;
  readonly now: number;
  /** The page that buttons come back to. */
  readonly from: string;
}
