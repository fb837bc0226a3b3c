import { expect, it } from "vitest";
import { html, type Html } from "../../../src/platform/html.ts";

it("text is escaped, HTML is not, and an object from elsewhere is no HTML", () => {
  const forged = JSON.parse('{"markup":"<b>forged</b>"}') as Html;
  expect(html`<p>${"<b>"}${html`<i>${1}</i>`}${[html`a`, html`b`]}</p>`.markup).toBe("<p>&lt;b&gt;<i>1</i>ab</p>");
  expect(html`${forged}`.markup).not.toContain("<b>");
});
