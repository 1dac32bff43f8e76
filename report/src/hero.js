// The head of the page: what it comes to.
import { h } from "./dom.js";
import * as format from "./format.js";
import { variable } from "./palette.js";

export function hero(report) {
  const { headline, run, flow, quality } = report;
  const first = headline.insiders;
  const bar = (name, share, c) =>
    h(
      "div",
      { class: "share" },
      h("span", { class: "soft" }, name),
      h("div", { class: "track" }, h("div", { class: "fill", "--share": `${share * 100}%`, "--c": c })),
      h("strong", null, format.percent(share)),
    );
  const title = first
    ? [
        `${first.name}: `,
        h("em", null, format.percent(first.customers_share)),
        " of the customers bring ",
        h("em", null, format.percent(first.revenue_share)),
        " of the revenue",
      ]
    : ["No customer has a purchase"];
  const cell = (term, value, note) =>
    h("div", { class: "figure" }, h("dt", null, term), h("dd", null, value), note && h("dd", { class: "note" }, note));
  const since = flow && signed(headline.customers - flow.before.reduce((sum, node) => sum + node.customers, 0));
  return h(
    "section",
    { class: "hero", "aria-label": "Headline" },
    h("h1", null, title),
    h("p", { class: "when" }, `As of ${format.moment(run.as_of)}, from ${run.source}`),
    first &&
      h(
        "div",
        { class: "shares" },
        bar("Customers", first.customers_share, variable(0)),
        bar("Revenue", first.revenue_share, variable(0)),
      ),
    h(
      "dl",
      { class: "figures surface" },
      cell("Customers", format.count(headline.customers), since ?? `${format.count(run.guests)} of them guests`),
      cell("Revenue", format.compact(headline.revenue), "in the export's currency"),
      cell("Revenue a customer", format.figure(report.overall.gross_revenue), "the mean"),
      cell("Segments", format.count(report.segments.length), `silhouette ${format.two(report.model.quality.silhouette)}`),
      cell("Rows read", format.compact(quality.rows), `${format.percent(quality.rows ? quality.kept / quality.rows : 0)} kept`),
    ),
  );
}

const signed = (n) => `${format.signed(n)} since the run before`;

