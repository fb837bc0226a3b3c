import { describe, expect, it } from "vitest";
import { formatProblem } from "../../../../src/platform/problem.ts";
import { normalizeEndpoint } from "../../../../src/providers/http/normalize-endpoint.ts";

const path = "GROK_API_ENDPOINT";
const PLACE = { source: "environment", path, callPath: "/chat/completions" };

function problemsOf(url: string, allowInsecure = false): string[] {
  const { baseUrl, problems } = normalizeEndpoint(url, { ...PLACE, allowInsecure });
  expect(baseUrl === null).toBe(problems.length > 0);
  return problems.map(formatProblem);
}

describe("normalizeEndpoint", () => {
  it.each([
    ["https://api.x.ai/v1", "https://api.x.ai/v1", []],
    ["https://api.x.ai/v1/", "https://api.x.ai/v1", ["used as https://api.x.ai/v1"]],
    ["https://api.x.ai/v1/chat/completions", "https://api.x.ai/v1", ["used as https://api.x.ai/v1"]],
    [" https://api.x.ai/v1/chat/completions/ ", "https://api.x.ai/v1", ["used as https://api.x.ai/v1"]],
    ["http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1", []],
    ["http://localhost:8000/v1", "http://localhost:8000/v1", []],
    ["http://[::1]:8000/v1", "http://[::1]:8000/v1", []],
    [
      "https://example.com",
      "https://example.com",
      ["https://example.com has no path; most servers expect one such as /v1"],
    ],
    [
      "https://api.grok.x.com/v1/chat/completions",
      "https://api.grok.x.com/v1",
      [
        "used as https://api.grok.x.com/v1",
        "no xAI document names the host api.grok.x.com; the documented one is https://api.x.ai/v1",
      ],
    ],
  ])("%s", (url, baseUrl, notes) => {
    expect(normalizeEndpoint(url, PLACE)).toEqual({
      baseUrl,
      notes: notes.map((note) => `${path}: ${note}`),
      problems: [],
    });
  });

  it.each([
    ["http://api.x.ai/v1", "http to api.x.ai: keys would travel unencrypted"],
    ["http://192.168.1.5/v1", "the private or link-local address 192.168.1.5"],
    ["https://10.0.0.7/v1", "the private or link-local address 10.0.0.7"],
    ["http://169.254.169.254/latest", "the private or link-local address 169.254.169.254"],
    ["https://metadata.google.internal/v1", "the private or link-local address metadata.google.internal"],
    ["https://0.0.0.0/v1", "the private or link-local address 0.0.0.0"],
    ["https://[fe80::1]/v1", "the private or link-local address fe80::1"],
    ["https://[fd00::1]/v1", "the private or link-local address fd00::1"],
    ["https://[::ffff:10.0.0.7]/v1", "the private or link-local address ::ffff:a00:7"],
  ])("refuses %s unless the operator allows it", (url, got) => {
    const expected =
      "an https URL of a public host, http of a loopback host, or a host in trustedEndpointHosts of the configuration file";
    expect(problemsOf(url)).toEqual([`environment ${path}: got ${got}; expected ${expected}`]);
    expect(problemsOf(url, true)).toEqual([]);
  });

  it.each(["http://2130706433/v1", "http://0x7f000001/v1", "http://0177.0.0.1/v1", "https://0xa9fea9fe/v1"])(
    "refuses an address in disguise: %s",
    (url) => {
      expect(problemsOf(url)).toEqual([
        expect.stringMatching(/got an IP address in disguise \([\d.]+\); expected the plain address or a host name$/),
      ]);
    },
  );

  it("refuses secrets in the URL, shows none of them, and lists all at once", () => {
    const problems = problemsOf("https://user:canary@api.x.ai/v1?key=canary#canary", true);

    expect(problems).toEqual([
      `environment ${path}: got a URL with credentials; expected the key in its own variable`,
      `environment ${path}: got a URL with a fragment (#…); expected a URL without one`,
      `environment ${path}: got a URL with a query (?…); expected a URL without one`,
    ]);
  });

  it.each([
    "https://api.x.ai/sk-canary-0123456789abcdefghij/v1",
    "http://sk-canary-0123456789abcdefghij.example.com/v1",
    "https:k=sk-canary-0123456789abcdefghij",
  ])("refuses a key in the host or the path, and does not show it: %s", (url) => {
    expect(problemsOf(url, true)).toEqual([
      `environment ${path}: got a URL with what looks like a key (not shown); expected the key in its own variable`,
    ]);
  });

  it.each(["", "api.x.ai/v1", "ftp://api.x.ai/v1", "file:///etc/passwd", "https://", "javascript:alert(1)"])(
    "refuses %j, which is no http URL",
    (url) => {
      expect(problemsOf(url, true)).toEqual([
        `environment ${path}: got no http(s) URL; expected a URL such as https://api.example.com/v1`,
      ]);
    },
  );
});
