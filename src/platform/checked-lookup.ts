import { lookup as systemLookup, type LookupAddress, type LookupOptions } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { callbackify, promisify } from "node:util";
import { isLoopback, isPublicAddress, isUnusableAddress, plainHost } from "./network-address.ts";

/** All addresses of a host name, from wherever names are known. */
export type Resolve = (hostname: string, options: LookupOptions & { all: true }) => Promise<readonly LookupAddress[]>;

/** Nothing was sent, and nobody was connected to. */
export class RefusedAddressError extends Error {
  override readonly name = "RefusedAddressError";
  readonly code = "ERR_REFUSED_ADDRESS";
}

export interface AddressRules {
  /** Why nobody may be connected to at this address of the host; `null`: it is fine. Default: `refuseOwnNetwork()`. */
  readonly refuse?: (host: string, address: string) => string | null;
  /** Default: the system's. */
  readonly resolve?: Resolve;
}

/** Whom this process may connect to, by the address that a name has at that moment. */
export interface AddressCheck {
  /** For `net.connect`: all addresses are looked at, and the connection goes to one of those. */
  readonly lookup: LookupFunction;
  /** For what is not looked up, because it is an address already. @throws RefusedAddressError */
  checkLiteral(host: string): void;
}

export function createAddressCheck({
  refuse = refuseOwnNetwork(),
  resolve = promisify(systemLookup),
}: AddressRules = {}): AddressCheck {
  const check = (host: string, addresses: readonly string[]): void => {
    const reason = addresses.map((address) => refuse(host, address)).find((refusal) => refusal !== null);
    if (reason !== undefined) throw new RefusedAddressError(reason);
  };
  const find = async (host: string, options: LookupOptions): Promise<readonly LookupAddress[]> => {
    const found = await resolve(host, { ...options, all: true });
    check(
      host,
      found.map(({ address }) => address),
    );
    return found;
  };
  const findThen = callbackify(find);
  return {
    lookup: (host, options, callback) =>
      findThen(host, options, (error, found) => {
        if (error !== null) return callback(error, []);
        const [first = { address: "", family: 0 }] = found;
        if (options.all === true) callback(null, [...found]);
        else callback(null, first.address, first.family);
      }),
    checkLiteral: (host) => check(host, isIP(host) === 0 ? [] : [host]),
  };
}

/**
 * A host of the internet that has an address of ours is a mistake, or somebody's who wants to reach what only we can reach.
 * @param trustedHosts whom the operator vouches for, wherever they are
 */
export function refuseOwnNetwork(trustedHosts: readonly string[] = []): NonNullable<AddressRules["refuse"]> {
  return (host, address) => {
    if (isTrustedHost(host, trustedHosts)) return null;
    // Who has written `localhost` means this machine, and nobody else.
    const isLocal = isLoopback(plainHost(host));
    if (isLocal ? isLoopback(address) : isPublicAddress(address)) return null;
    const where = host === address ? host : `${host} is at ${address}, which`;
    const what = isLocal ? "not this machine" : "no public address";
    return `${where} is ${what}; if it is right, name ${host} in trustedEndpointHosts of the configuration file`;
  };
}

/** For what may well be in a private network. */
export function refuseUnusable(host: string, address: string): string | null {
  return isUnusableAddress(address) ? `${host} is at ${address}, where no server can be` : null;
}

export function isTrustedHost(host: string, trustedHosts: readonly string[]): boolean {
  const plain = plainHost(host);
  return trustedHosts.some((trusted) => plainHost(trusted) === plain);
}
