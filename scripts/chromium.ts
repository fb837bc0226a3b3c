import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MACOS_PLACES = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The path of an installed Chromium or Chrome, or `null`: playwright-core brings no browser of its own. */
export function findChromium(path: string): string | null {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  const places = [...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))), ...MACOS_PLACES];
  return places.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A page in a browser of its own, which ends with its scope. */
export interface BrowserPage extends AsyncDisposable {
  readonly page: Page;
  /** What no page of ours may do: errors on the console, failed requests, requests to another origin than `url`'s. */
  readonly faults: readonly string[];
}

export interface BrowserOptions {
  /** From `findChromium`. */
  readonly executablePath: string;
  readonly url: string;
  readonly viewport: { readonly width: number; readonly height: number };
  /** The monitor's, when it asks for one. */
  readonly token?: string;
  /** Default: light. */
  readonly colorScheme?: "light" | "dark";
}

async function logIn(page: Page, url: string, token: string): Promise<void> {
  await page.goto(new URL("/login", url).href);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
}

/** Opens `url` in a headless browser. */
export async function openBrowserPage(options: BrowserOptions): Promise<BrowserPage> {
  const { executablePath, url, viewport, token, colorScheme = "light" } = options;
  const browser = await chromium.launch({ executablePath });
  const context = await browser.newContext({
    viewport,
    colorScheme,
    locale: "en-GB",
    timezoneId: "UTC",
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`page: ${error.message}`));
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== new URL(url).origin && protocol !== "data:") faults.push(`foreign: ${request.url()}`);
  });
  page.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  if (token !== undefined) await logIn(page, url, token);
  await page.goto(url);
  return { page, faults, [Symbol.asyncDispose]: async () => await browser.close() };
}
