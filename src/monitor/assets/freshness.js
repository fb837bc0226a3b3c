// Says in the header how fresh the page is: nothing much while it is, and in red why it is not.

const LATE_MS = 10_000;

const region = document.getElementById("freshness");
/** Epoch ms; `null`: what the page shows is an error. */
let seenAt = document.querySelector("[data-failed]") === null ? Date.now() : null;
/** Epoch ms. While it is hidden a page does not follow, which is no trouble. */
let awakeAt = Date.now();
/** @type {string | null} */
let trouble = null;
let isSending = false;

/** The monitor was asked, and answered: what the page shows is so now. */
export function seen() {
  seenAt = Date.now();
  trouble = null;
  tell();
}

/** @param {string} words why the last look was in vain */
export function failed(words) {
  trouble = words;
  tell();
}

/** Begins to follow, perhaps after a long time. */
export function woke() {
  awakeAt = Date.now();
  trouble = null;
  tell();
}

/** @param {boolean} takesLong whether a button's request does */
export function sending(takesLong) {
  isSending = takesLong;
  tell();
}

/** @returns whether it never changes: it shows what is over, or asks who is there */
export function isStill() {
  return document.querySelector("#main [data-still], #main form.login") !== null;
}

export function tell() {
  if (isStill()) return write(isSending ? "sending …" : "", "", false);
  const now = Date.now();
  const isLate = now - Math.max(seenAt ?? 0, awakeAt) > LATE_MS;
  if (trouble === null && !isLate) return write(isSending ? "sending …" : seenAt === null ? "" : "Live", "", false);
  const age = seenAt === null ? "" : `; what you see is from ${Math.round((now - seenAt) / 1000)} s ago`;
  write(trouble ?? "The monitor does not answer", age, true);
}

/**
 * The age changes every second, and is not read out each time.
 * @param {string} words
 * @param {string} age
 * @param {boolean} isBad
 */
function write(words, age, isBad) {
  const [said, counted] = region?.children ?? [];
  if (said === undefined || counted === undefined) return;
  region?.classList.toggle("trouble", isBad);
  const role = isBad ? "alert" : "status";
  if (said.getAttribute("role") !== role) said.setAttribute("role", role);
  if (said.textContent !== words) said.textContent = words;
  if (counted.textContent !== age) counted.textContent = age;
}
