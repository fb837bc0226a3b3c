// Puts a new state of the page where the old one was, and leaves alone what people are doing there.

import { drawCharts } from "./charts.js";
import { seen } from "./freshness.js";
import { propose, takeBack } from "./notices.js";

/** Whoever has scrolled so far reads. */
const READS_PX = 200;

export const main = /** @type {HTMLElement} */ (document.getElementById("main"));
/** @type {string | null} The newest look, while somebody reads an older one. */
let held = null;

/** @param {string} markup what nobody has asked for: a list that is being read stays, and the new one is offered */
export function follow(markup) {
  const words = whatIsHeld(markup);
  if (words === null) return show(markup);
  held = markup;
  seen();
  propose(`${words}: show`, () => {
    if (held !== null) show(held);
    scrollTo({ top: 0 });
    main.focus({ preventScroll: true });
  });
}

/** @param {string} markup */
export function show(markup) {
  held = null;
  takeBack();
  const active = document.activeElement;
  const fields = main.contains(active) ? fieldsOf(active) : null;
  void Idiomorph.morph(main, markup, {
    morphStyle: "innerHTML",
    callbacks: {
      beforeNodeMorphed: (from, to) => !isKept(from, to),
      // What the script has drawn; the plot itself may go.
      beforeNodeRemoved: (node) => (node.parentElement?.closest(".plot") ?? null) === null,
      // Is set while a button's request is under way.
      beforeAttributeUpdated: (name) => name !== "aria-disabled",
    },
  });
  drawCharts(main);
  if (fields !== null && (document.activeElement ?? document.body) === document.body) refocus(fields);
  seen();
}

/**
 * Charts are drawn by script, people open details and fill in forms.
 * @param {Node} from
 * @param {Node} to
 */
function isKept(from, to) {
  if (!(from instanceof HTMLElement && to instanceof HTMLElement)) return false;
  if (from instanceof HTMLDetailsElement && to instanceof HTMLDetailsElement) to.open = from.open;
  if (from.matches("form.filters") && to.matches("form.filters")) return true;
  if (isField(from)) return from === document.activeElement || isDirty(from);
  if (!(from.matches(".plot") && to.matches(".plot"))) return false;
  from.dataset["chart"] = to.dataset["chart"];
  return true;
}

/**
 * @param {Element} element
 * @returns {element is HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement}
 */
function isField(element) {
  return element.matches("input, select, textarea");
}

/** @param {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} field */
function isDirty(field) {
  if (field instanceof HTMLSelectElement)
    return [...field.options].some((option) => option.selected !== option.defaultSelected);
  if (field instanceof HTMLInputElement && field.checked !== field.defaultChecked) return true;
  return field.value !== field.defaultValue;
}

/**
 * What a button is about, whatever it does: `lane=a`.
 * @param {Element | null} element
 */
function fieldsOf(element) {
  const form = element?.closest("form") ?? null;
  if (form === null) return "";
  const fields = [...form.querySelectorAll("input")].filter(({ name }) => name !== "from");
  return fields.map(({ name, value }) => `${name}=${value}`).join("&");
}

/** @param {string} fields of the control that had the focus and is gone */
function refocus(fields) {
  const alike =
    fields === "" ? undefined : [...main.querySelectorAll("form")].find((form) => fieldsOf(form) === fields);
  (alike?.querySelector("button") ?? main).focus({ preventScroll: true });
}

/**
 * @param {string} markup
 * @returns what a list that is being read holds back, when the new one has other entries
 */
function whatIsHeld(markup) {
  const list = main.querySelector("[data-hold]");
  if (!(list instanceof HTMLElement)) return null;
  const selection = getSelection();
  const isSelected = selection !== null && !selection.isCollapsed && selection.containsNode(list, true);
  if (scrollY <= READS_PX && !isSelected) return null;
  const next = new DOMParser().parseFromString(markup, "text/html").querySelector("[data-hold]");
  return next === null || entriesOf(next) === entriesOf(list) ? null : (list.dataset["hold"] ?? null);
}

/** @param {Element} list */
function entriesOf(list) {
  return [...list.querySelectorAll("a")].map((link) => link.getAttribute("href")).join(" ");
}
