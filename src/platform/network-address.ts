import { BlockList, isIP } from "node:net";

/* Which addresses are whose. Host names here are as in a URL, with or without the brackets of IPv6. */

/** Without the brackets of IPv6 and the dot of a whole name, in lower case. */
export function plainHost(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
}

/** `localhost`, a name in it, or a loopback address. */
export function isLoopback(host: string): boolean {
  return isIP(host) === 0 ? /(^|\.)localhost$/.test(host) : matches(LOOPBACK, host);
}

/**
 * Anybody on the internet can have it. False for loopback, private, link-local (cloud metadata), carrier, benchmark,
 * documentation, multicast and unspecified addresses, in IPv6 also where such an IPv4 address is inside.
 */
export function isPublicAddress(address: string): boolean {
  return !matches(NOT_PUBLIC, embeddedIpv4(address) ?? address);
}

/** Nobody keeps a server of their own there: link-local (cloud metadata), multicast and unspecified addresses. */
export function isUnusableAddress(address: string): boolean {
  return matches(UNUSABLE, embeddedIpv4(address) ?? address);
}

/** What NAT64 turns into IPv4 (RFC 6052): networks without IPv4 reach all the rest of the world this way. */
const NAT64 = blockList(["64:ff9b::/96"]);

function embeddedIpv4(address: string): string | null {
  if (isIP(address) !== 6 || !matches(NAT64, address)) return null;
  const groups = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1).split(":") ?? [];
  const [high = 0, low = 0] = groups.slice(-2).map((group) => (group === "" ? 0 : Number.parseInt(group, 16)));
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

const LOOPBACK = blockList(["127.0.0.0/8", "::1/128"]);

const UNUSABLE = blockList([
  ...["0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/128", "fe80::/10", "ff00::/8"],
  // The metadata service of AWS has an address of its own in IPv6.
  "fd00:ec2::254/128",
]);

/** https://www.iana.org/assignments/iana-ipv4-special-registry and …-ipv6-…; of IPv6 only 2000::/3 is public at all. */
const NOT_PUBLIC = blockList([
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
  ...["192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"],
  "224.0.0.0/3",
  ...["::/3", "4000::/2", "8000::/1"],
  ...["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"],
]);

interface Networks {
  readonly ipv4: BlockList;
  readonly ipv6: BlockList;
}

/** Two lists: in one, networks of IPv6 would also be asked for addresses of IPv4, and the other way round. */
function blockList(networks: readonly string[]): Networks {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const network of networks) {
    const [address = "", prefix = ""] = network.split("/");
    const family = address.includes(":") ? "ipv6" : "ipv4";
    lists[family].addSubnet(address, Number(prefix), family);
  }
  return lists;
}

/** @param address may have a zone, such as `fe80::1%eth0` */
function matches({ ipv4, ipv6 }: Networks, address: string): boolean {
  const [plain = ""] = address.split("%");
  if (isIP(plain) === 4) return ipv4.check(plain, "ipv4");
  // The list of IPv4 knows its addresses in IPv6 (`::ffff:10.0.0.7`) as well.
  return ipv6.check(plain, "ipv6") || ipv4.check(plain, "ipv6");
}
