// RFM groups and lifetime values beside the segments.
import { h, section, table } from "./dom.js";
import * as format from "./format.js";
import { tag } from "./palette.js";

export function value(report) {
  const found = report.value;
  if (!found) return null;
  const { segments } = report;
  const most = Math.max(1, ...found.counts.flat());
  const heat = table(
    "Customers by segment (rows) and RFM group (columns)",
    ["Segment", ...found.groups.map((group) => `>${group}`)],
    segments.map((segment, place) => [tag(place, segment), ...found.counts[place].map((n) => (n ? format.count(n) : "·"))]),
    { class: "matrix heat" },
  );
  heat.querySelectorAll("tbody tr").forEach((row, place) => {
    row.querySelectorAll("td").forEach((cell, group) => {
      const n = found.counts[place][group];
      cell.style.setProperty("--heat", String(Math.round(45 * Math.sqrt(n / most))));
    });
  });
  return section(
    "rfm",
    "RFM beside it",
    "Where classical RFM groups put the same customers.",
    h("div", { class: "panel surface" }, heat),
    found.clv && h("div", { class: "panel surface clv" }, lifetime(found.clv, segments)),
  );
}

function lifetime(clv, segments) {
  const all = clv.reduce((sum, { sum: n }) => sum + n, 0);
  return table(
    "Customer lifetime value by segment",
    ["Segment", ">Mean", ">Sum", ">Share"],
    segments.map((segment, place) => [
      tag(place, segment),
      format.figure(clv[place].mean),
      format.compact(clv[place].sum),
      format.percent(all > 0 ? clv[place].sum / all : 0),
    ]),
  );
}
