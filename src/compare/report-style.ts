/** A newspaper's page: one column of figures, then the texts side by side between hairlines. System fonts only. */
export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf6; --ink: #1e1c19; --soft: #67625a; --rule: #dcd7ca; --strong: #1e1c19;
  --mark: #2d4a6d; --range: #9fb2c9; --call: #b9c6d6; --wrong: #96301f;
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, P052, "Source Serif 4", Charter, Georgia, "Noto Serif", "Liberation Serif", serif;
  --sans: "Helvetica Neue", Helvetica, "Segoe UI", Roboto, Arial, "Liberation Sans", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #171614; --ink: #e9e5db; --soft: #a59e91; --rule: #37342e; --strong: #8d877a;
    --mark: #a9c3e2; --range: #56708f; --call: #46566a; --wrong: #ec9280;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.55 var(--serif); font-kerning: normal; }
main, .masthead, .colophon { max-width: 76rem; margin: 0 auto; padding: 0 clamp(1rem, 4vw, 3rem); }
h1, h2, h3, h4, p, dl, ul { margin: 0; font-weight: normal; }
.label, th, .facts, details, .colophon, .kicker, .dateline, .failures b { font-family: var(--sans); }

.masthead { padding-top: clamp(1.5rem, 5vw, 3.5rem); text-align: center; }
.kicker { font-size: 0.75rem; letter-spacing: 0.16em; text-transform: uppercase; color: var(--soft); }
h1 { margin: 0.35rem 0 0.9rem; font-size: clamp(2rem, 6vw, 3.5rem); line-height: 1.08; letter-spacing: -0.015em; text-wrap: balance; }
.dateline { border-top: 1px solid var(--strong); border-bottom: 3px double var(--strong); padding: 0.5rem 0; font-size: 0.8125rem; color: var(--soft);
  display: flex; flex-wrap: wrap; justify-content: center; gap: 0 1.5rem; }
.lede { max-width: 46rem; margin: 1.75rem auto 0; font-size: 1.1875rem; text-align: center; text-wrap: pretty; overflow-wrap: anywhere; }

.name { display: inline-block; max-width: 100%; }

h2 { margin: 2.5rem 0 0.75rem; font-size: 1.5rem; line-height: 1.2; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: lining-nums tabular-nums; }
th { font-size: 0.75rem; font-weight: normal; color: var(--soft); text-align: left; vertical-align: bottom; padding: 0 1.25rem 0.4rem 0; border-bottom: 1px solid var(--strong); line-height: 1.3; }
td, tbody th { padding: 0.7rem 1.25rem 0.7rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
tbody th { font: inherit; color: var(--ink); overflow-wrap: anywhere; min-width: 9rem; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; }
.drawn { width: 19%; min-width: 9rem; }
.drawn small { display: block; font-size: 0.875rem; color: var(--soft); white-space: nowrap; }
.vendor { color: var(--soft); }
.chart { display: block; overflow: visible; margin: 0.3rem 0 0.1rem; }
.chart line { stroke-width: 1; }
.axis { stroke: var(--rule); }
.call { stroke: var(--call); }
.chart .range { stroke: var(--range); stroke-width: 3; }
.chart .bar { stroke: var(--mark); stroke-width: 5; }
.median { fill: var(--mark); }
.remarks { margin-top: 0.9rem; max-width: 60rem; font-size: 0.875rem; color: var(--soft); }
.failures { margin-top: 1.25rem; padding: 0; list-style: none; font-size: 0.9375rem; }
.failures li { padding: 0.35rem 0 0.35rem 0.9rem; border-left: 3px solid var(--wrong); margin-bottom: 0.5rem; overflow-wrap: anywhere; }
.failures b { font-size: 0.8125rem; font-weight: 600; }

.job { margin-top: 1rem; padding-top: 1.1rem; border-top: 1px solid var(--strong); }
.job + .job { margin-top: 2.75rem; }
h3 { font-size: 1.625rem; line-height: 1.22; letter-spacing: -0.005em; text-wrap: pretty; white-space: pre-line; overflow-wrap: anywhere; }
.about { display: flex; flex-wrap: wrap; gap: 0 1.1rem; margin-top: 0.35rem; font-size: 0.9375rem; font-style: italic; color: var(--soft); }
.about bdi { white-space: pre-line; overflow-wrap: anywhere; }
.texts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); gap: 1.5rem 0; margin: 1.1rem 0 0 -1.5rem; overflow: hidden; }
.text { display: flex; flex-direction: column; padding: 0 1.5rem; margin-left: -1px; border-left: 1px solid var(--rule); min-width: 0; }
h4 { font: 600 0.8125rem/1.4 var(--sans); overflow-wrap: anywhere; }
h4 .vendor { font-weight: normal; }
.body { flex: 1; margin: 0.4rem 0 0.7rem; white-space: pre-wrap; overflow-wrap: anywhere; hyphens: auto; }
.unwritten .body { color: var(--wrong); font-style: italic; }
.facts { display: flex; flex-wrap: wrap; gap: 0 0.85rem; font-size: 0.78125rem; color: var(--soft); font-variant-numeric: lining-nums tabular-nums; }
.facts .wrong { color: var(--wrong); }
details { margin-top: 0.15rem; font-size: 0.75rem; color: var(--soft); }
summary { cursor: pointer; width: fit-content; }
summary:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.1rem 0.75rem; margin-top: 0.3rem; }
dt { margin: 0; } dd { margin: 0; overflow-wrap: anywhere; }
.colophon { margin-top: 3.5rem; padding-bottom: 3rem; font-size: 0.75rem; color: var(--soft); }
.colophon p { border-top: 1px solid var(--rule); padding-top: 0.75rem; }

@media screen and (max-width: 52rem) {
  .lede { margin-top: 1.25rem; font-size: 1.0625rem; text-align: left; }
  thead { display: none; }
  table, tbody, tr, tbody th, td { display: block; }
  tr { padding: 0.8rem 0; border-bottom: 1px solid var(--rule); }
  tbody tr:first-child { border-top: 1px solid var(--strong); }
  td, tbody th { border: 0; padding: 0.15rem 0; }
  tbody th { font-size: 1.0625rem; }
  td { display: grid; grid-template-columns: 7.5rem 1fr; column-gap: 0.75rem; align-items: baseline; }
  td::before { content: attr(data-label); font: 0.75rem/1.4 var(--sans); color: var(--soft); }
  .number { text-align: left; }
  .drawn { width: auto; align-items: start; }
  .drawn::before { padding-top: 0.25rem; }
  h3 { font-size: 1.375rem; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --rule: #bbb; --strong: #000;
    --mark: #2d4a6d; --range: #9fb2c9; --call: #b9c6d6; --wrong: #96301f; }
  body { font-size: 10pt; }
  main, .masthead, .colophon { max-width: none; padding-left: 0; padding-right: 0; }
  .text, tr, .failures li { break-inside: avoid; }
  h2, h3, .about { break-after: avoid; }
  details { display: none; }
  td, th, tbody th { padding-right: 0.6rem; font-size: 9pt; }
  th { font-size: 7.5pt; }
  .drawn { min-width: 6.5rem; }
  .texts { grid-template-columns: repeat(auto-fit, minmax(min(100%, 12rem), 1fr)); }
}
`;
