// A card a segment.
import { h, section } from "./dom.js";
import * as format from "./format.js";
import { mark, variable } from "./palette.js";

export function cards(report) {
  return section(
    "segments",
    "The segments",
    "By mean revenue, the highest first. A segment keeps its number and its name from run to run.",
    h("ol", { class: "cards" }, report.segments.map((segment, place) => card(segment, place, report.overall))),
  );
}

function card(segment, place, overall) {
  const { means } = segment;
  const bar = (name, share, muted) =>
    h(
      "div",
      { class: muted ? "row muted" : "row" },
      h("span", null, name),
      h("div", { class: "track" }, h("div", { class: "fill", "--share": `${share * 100}%`, "--c": muted ? null : variable(place) })),
      h("span", null, format.percent(share)),
    );
  const fact = (term, value, mean, unit) =>
    h(
      "div",
      null,
      h("dt", null, term),
      h("dd", null, h("b", null, value), unit && ` ${unit}`),
      mean && h("dd", { class: "times" }, mean),
    );
  const times = (name) => (overall[name] > 0 ? format.times(means[name] / overall[name]) : "");
  return h(
    "li",
    { class: "card surface", id: `segment-${segment.label}` },
    h(
      "header",
      null,
      h("h3", null, mark(place), h("span", { class: "id" }, String(segment.label)), h("span", null, segment.name)),
      h("p", { class: "size" }, h("b", null, format.count(segment.customers)), h("span", null, "customers")),
    ),
    h("div", { class: "pair" }, bar("Customers", segment.share, true), bar("Revenue", segment.revenue_share, false)),
    h(
      "dl",
      { class: "facts" },
      fact("Mean revenue", format.figure(means.gross_revenue), times("gross_revenue")),
      fact("Last purchase", format.figure(means.recency_days), times("recency_days"), "days ago"),
      fact("Invoices a day", format.figure(means.frequency), times("frequency")),
      fact("Returns", format.figure(means.returns), times("returns")),
    ),
    segment.rule && rule(segment.rule),
    segment.change && change(segment),
  );
}

function rule({ text, precision, recall }) {
  return h(
    "p",
    { class: "rule" },
    text,
    h(
      "span",
      { class: "soft" },
      `${format.percent(precision)} of those whom it names are in the segment; it names ${format.percent(recall)} of the segment`,
    ),
  );
}

function change({ customers, change: c, means }) {
  const moves = [
    c.came && `${format.count(c.came)} came from other segments`,
    c.went && `${format.count(c.went)} went to others`,
    c.entered && `${format.count(c.entered)} new customers`,
    c.left && `${format.count(c.left)} are gone`,
  ].filter(Boolean);
  const difference = customers - c.before;
  const share = c.before > 0 ? ` (${difference >= 0 ? "+" : "−"}${format.percent(Math.abs(difference / c.before))})` : "";
  const revenue =
    c.revenue_before > 0 && `mean revenue ${format.figure(c.revenue_before)} before, ${format.figure(means.gross_revenue)} now`;
  return h(
    "p",
    { class: "change" },
    h("b", null, `${format.signed(difference)} customers${difference ? share : ""}`),
    " since the run before",
    h("span", { class: "soft" }, [...moves, revenue].filter(Boolean).join(" · ") || "nobody moved"),
  );
}
