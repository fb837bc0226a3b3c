import { describe, expect, it } from "vitest";
import { isLoopback, isPublicAddress, isUnusableAddress } from "../../../src/platform/network-address.ts";

/** Each, and whether no server can be there either. */
const NOT_PUBLIC: readonly (readonly [string, string, boolean])[] = [
  ["loopback", "127.0.0.1", false],
  ["loopback, far into its network", "127.255.255.254", false],
  ["private", "10.255.255.255", false],
  ["private", "172.16.0.1", false],
  ["private", "172.31.255.255", false],
  ["private", "192.168.0.1", false],
  ["of a carrier", "100.64.0.1", false],
  ["for benchmarks", "198.19.255.255", false],
  ["for documents", "203.0.113.1", false],
  ["link-local: metadata of AWS, Google, Azure", "169.254.169.254", true],
  ["unspecified", "0.0.0.0", true],
  ["multicast", "224.0.0.1", true],
  ["reserved", "240.0.0.1", true],
  ["broadcast", "255.255.255.255", true],
  ["loopback", "::1", false],
  ["unspecified", "::", true],
  ["unique-local", "fd12:3456::1", false],
  ["unique-local: metadata of AWS", "fd00:ec2::254", true],
  ["link-local", "fe80::1", true],
  ["link-local with a zone", "fe80::1%eth0", true],
  ["site-local", "fec0::1", false],
  ["multicast", "ff02::1", true],
  ["for documents", "2001:db8::1", false],
  ["6to4", "2002:7f00:1::", false],
  ["Teredo", "2001:0:7f00:1::", false],
  ["IPv4 in IPv6, dotted", "::ffff:10.0.0.7", false],
  ["IPv4 in IPv6", "::ffff:a9fe:a9fe", true],
  ["IPv4 in IPv6, in full", "0:0:0:0:0:ffff:7f00:1", false],
  ["IPv4 in IPv6 as it was written once", "::10.0.0.7", false],
  ["private IPv4 behind NAT64", "64:ff9b::a00:7", false],
  ["metadata behind NAT64", "64:ff9b::169.254.169.254", true],
  ["0.0.0.7 behind NAT64", "64:ff9b::7", true],
];

describe("an address that is not public", () => {
  it.each(NOT_PUBLIC)("%s: %s", (_, address, isUnusable) => {
    expect(isPublicAddress(address)).toBe(false);
    expect(isUnusableAddress(address)).toBe(isUnusable);
  });

  it.each(["1.1.1.1", "172.32.0.1", "100.128.0.1", "169.253.0.1", "2606:4700::1111", "64:ff9b::101:101"])(
    "is not %s",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
      expect(isUnusableAddress(address)).toBe(false);
    },
  );
});

it.each([
  ["127.0.0.2", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["localhost", true],
  ["ollama.localhost", true],
  ["localhost.example.com", false],
  ["127.0.0.1.example.com", false],
  ["10.0.0.1", false],
])("whether %s is this machine: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
