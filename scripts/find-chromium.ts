import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MACOS = ["/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];

/** The path of an installed Chromium or Chrome, or `null`. playwright-core brings no browser of its own. */
export function findChromium(path: string): string | null {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  const places = [...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))), ...MACOS];
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
