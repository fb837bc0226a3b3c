const BARE_IPV6 = /^[\da-f]*:[\da-f]*:[\da-f:.]*$/;

/** Without port, in lower case; `::1` is how settings write what a Host header calls `[::1]`. */
export function hostNameOf(host: string): string {
  const name = host.toLowerCase();
  return BARE_IPV6.test(name) ? `[${name}]` : name.replace(/:\d+$/, "");
}
