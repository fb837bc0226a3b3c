import { BlockList, isIPv6 } from "node:net";

const GROUPS_OF_A_NETWORK = 4;
const MAPPED = new BlockList();
MAPPED.addSubnet("::ffff:0:0", 96, "ipv6");

/** What is counted by: an IPv6 customer has a whole /64, and so 2^64 addresses to send from. */
export function networkOf(address: string): string {
  if (!isIPv6(address) || MAPPED.check(address, "ipv6")) return address;
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  return `${groups.slice(0, GROUPS_OF_A_NETWORK).join(":")}::/64`;
}
