// What stands above the page and stays when the page changes under it: why a button failed, and that there is more.

const notice = document.getElementById("notice");
const offer = document.getElementById("offer");

/** @param {string} words why what was asked for was not done; stays until it is closed or the next press succeeds */
export function complain(words) {
  const text = document.createElement("p");
  text.textContent = words;
  notice?.replaceChildren(text, buttonOf("Close", withdraw));
}

export function withdraw() {
  clear(notice);
}

/**
 * @param {string} words what there is to show
 * @param {() => void} accept
 */
export function propose(words, accept) {
  if (offer?.firstElementChild?.textContent === words) return;
  offer?.replaceChildren(buttonOf(words, accept));
}

export function takeBack() {
  clear(offer);
}

/** @param {HTMLElement | null} box */
function clear(box) {
  const hadFocus = box?.contains(document.activeElement) === true;
  box?.replaceChildren();
  if (hadFocus) document.getElementById("main")?.focus({ preventScroll: true });
}

/**
 * @param {string} label
 * @param {() => void} press
 */
function buttonOf(label, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", press);
  return button;
}
