/** What a URL says that names several nodes: sentinels, or nodes of a cluster. */
export interface RedisNodesUrl {
  readonly topology: "sentinel" | "cluster";
  readonly tls: boolean;
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** Of the Redis itself. */
  readonly username?: string;
  readonly password?: string;
  /** As the sentinels call it; "" on a cluster. */
  readonly masterName: string;
  readonly db: number;
}

const PARTS =
  /^(?<scheme>rediss?)\+(?<topology>sentinel|cluster):\/\/(?:(?<login>[^/]*)@)?(?<nodes>[^/@]*)(?:\/(?<path>.*))?$/i;
const DEFAULT_PORT = { sentinel: 26_379, cluster: 6379 };
const LARGEST_PORT = 65_535;

/**
 * Reads `redis+sentinel://[USER:PASSWORD@]HOST:PORT,HOST:PORT/MASTER[/DB]` and
 * `redis+cluster://[USER:PASSWORD@]HOST:PORT,HOST:PORT`; `rediss+…` is the same over TLS.
 * @returns what is wrong with it, without showing anything of it; `null`: it names no topology
 */
export function readNodesUrl(url: string): RedisNodesUrl | { readonly fault: string } | null {
  if (!/^rediss?\+(sentinel|cluster):/i.test(url)) return null;
  const groups = PARTS.exec(url)?.groups;
  if (groups === undefined) return { fault: "a URL whose hosts cannot be read" };
  const topology = groups["topology"]?.toLowerCase() === "sentinel" ? "sentinel" : "cluster";
  const nodes = (groups["nodes"] ?? "").split(",").map((node) => readNode(node, DEFAULT_PORT[topology]));
  if (!nodes.every((node) => node !== null)) return { fault: "a URL in which a host or port cannot be read" };
  const login = readLogin(groups["login"]);
  if (login === null) return { fault: "a user or password with a % that is no escape (write %25 for %)" };
  const place = topology === "sentinel" ? readMaster(groups["path"] ?? "") : readClusterPath(groups["path"] ?? "");
  if ("fault" in place) return place;
  return { topology, tls: groups["scheme"]?.toLowerCase() === "rediss", nodes, ...login, ...place };
}

function readNode(written: string, defaultPort: number): { host: string; port: number } | null {
  const [, host, port = defaultPort] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(written) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > LARGEST_PORT) return null;
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** `USER:PASSWORD`, `:PASSWORD` or `USER`. */
function readLogin(written = ""): Pick<RedisNodesUrl, "username" | "password"> | null {
  const [, user = "", password = ""] = /^([^:]*):?(.*)$/.exec(written) ?? [];
  try {
    return {
      ...(user !== "" && { username: decodeURIComponent(user) }),
      ...(password !== "" && { password: decodeURIComponent(password) }),
    };
  } catch {
    return null;
  }
}

type Place = Pick<RedisNodesUrl, "masterName" | "db"> | { readonly fault: string };

function readMaster(path: string): Place {
  const [masterName = "", db = "0", ...more] = path.split("/");
  if (!/^[A-Za-z0-9._-]+$/.test(masterName)) return { fault: "sentinels without the name of their master" };
  if (!/^\d*$/.test(db) || more.length > 0) return { fault: "a database that is no number" };
  return { masterName, db: Number(db) };
}

function readClusterPath(path: string): Place {
  return path === "" || path === "0" ? { masterName: "", db: 0 } : { fault: "a database; a cluster has 0 alone" };
}

/** The URL without its password, and without what may hold one. */
export function showRedisUrl(written: string): string {
  const nodes = readNodesUrl(written);
  const unreadable = "the given REDIS_URL";
  if (nodes !== null) return "fault" in nodes ? unreadable : written.replace(/\/\/[^/]*@/, "//***@");
  const url = URL.parse(written);
  if (url === null) return unreadable;
  return `${url.protocol}//${url.username === "" && url.password === "" ? "" : "***@"}${url.host}${url.pathname}`;
}
