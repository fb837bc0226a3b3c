import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";

/** PEM texts. */
export interface RedisTls {
  /** Certificate of the authority that has signed the server's; default: those that Node trusts. */
  readonly ca?: string;
  /** For a Redis that wants to know its clients. */
  readonly cert?: string;
  readonly key?: string;
}

/** What is wrong with the texts. */
export function findTlsFault({
  ca,
  cert,
  key,
}: RedisTls): { readonly field: keyof RedisTls; readonly got: string } | null {
  if (ca !== undefined && !isCertificate(ca)) return { field: "ca", got: "no certificate in PEM format" };
  if (cert !== undefined && !isCertificate(cert)) return { field: "cert", got: "no certificate in PEM format" };
  if ((cert === undefined) !== (key === undefined)) {
    return cert === undefined ? { field: "cert", got: "a key alone" } : { field: "key", got: "a certificate alone" };
  }
  try {
    createSecureContext({ cert, key });
    return null;
  } catch {
    return { field: "key", got: "no key in PEM format, or one that does not belong to the certificate" };
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== "";
  } catch {
    return false;
  }
}

const STRANGER = "it breaks off; if it wants to know its clients, set REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE";
/** Node's error codes, or the words where ioredis passes on nothing else; and what to do. */
const FAULTS: readonly (readonly [RegExp, string])[] = [
  [
    /ALTNAME_INVALID|HOSTNAME_MISMATCH|match certificate's altnames/,
    "its certificate is for another host; name it as the certificate does",
  ],
  [
    /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|certificate (has expired|is not yet valid)/,
    "its certificate is out of date, or a clock is wrong",
  ],
  [
    /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|CERT_(UNTRUSTED|SIGNATURE)|INVALID_CA|self-signed certificate|unable to (get|verify)/,
    "its certificate is not trusted; set REDIS_TLS_CA_FILE to that of its authority",
  ],
  [
    /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|alert (certificate required|bad certificate|unknown ca)/,
    STRANGER,
  ],
  [
    /ERR_SSL_|EPROTO|wrong version number/,
    "it does not seem to speak TLS; write redis in place of rediss, or name its TLS port",
  ],
];

/** Redis ends the connection of a client whose certificate it misses, mostly before it could have said why. */
const BROKEN_OFF = /ECONNRESET|EPIPE|socket disconnected/;

/**
 * @param isOverTls the connection was to be one
 * @returns `null`: it is not about TLS
 */
export function describeTlsFault(error: unknown, isOverTls: boolean): string | null {
  if (!(error instanceof Error)) return null;
  const { code = "", message } = error as Error & { readonly code?: unknown };
  const words = `${String(code)} ${message}`;
  const known = FAULTS.find(([pattern]) => pattern.test(words))?.[1];
  const advice = known ?? (isOverTls && BROKEN_OFF.test(words) ? STRANGER : undefined);
  return advice === undefined ? null : `TLS: ${advice} (${message.split("\n", 1)[0]?.slice(0, 150)}).`;
}
