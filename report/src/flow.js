// Who moved since the run before.
import { chart } from "./charts.js";
import { h, section, table } from "./dom.js";
import * as format from "./format.js";
import { colour, read } from "./palette.js";
import * as tip from "./tip.js";

export function flow(report) {
  const found = report.flow;
  if (!found) return null;
  const customers = ({ customers: n }) => format.count(n);
  const lead = `${customers(found.stayed)} customers stayed in the segment that they were in, ${customers(found.moved)} moved to another one, ${customers(found.entered)} are new and ${customers(found.left)} are gone.`;
  const draw = h("div", { class: "draw", role: "img", "aria-label": `Flow of customers between segments. ${lead} The table below has every flow.` });
  const places = new Map(report.segments.map((segment, place) => [segment.label, place]));
  chart(draw, (drawn) => options(found, places, drawn.getWidth() < 640), {
    ready: (drawn) => tip.follow(drawn, (params) => said(params)),
  });
  return section(
    "flow",
    "Who moved",
    lead,
    h(
      "figure",
      { class: "sankey surface" },
      h("figcaption", { class: "sides" }, h("span", null, format.moment(found.since_as_of)), h("span", null, format.moment(report.run.as_of))),
      draw,
      h("details", null, h("summary", null, "Every flow as a table"), matrix(found)),
    ),
  );
}

const ENTERED = "New";
const LEFT = "Gone";

function options(found, places, isNarrow) {
  const tone = (label) => (places.has(label) ? colour(places.get(label)) : read("--soft"));
  const node = (side, { label, name }, align) => ({
    name: `${side}${label}`,
    title: `${label} ${name}`,
    depth: side === "b" ? 0 : 1,
    itemStyle: { color: tone(label), borderWidth: 0 },
    label: { position: align, formatter: isNarrow ? String(label) : `${label}  ${name}` },
  });
  const other = (name, depth, align) => ({
    name,
    title: name,
    depth,
    itemStyle: { color: read("--soft"), borderWidth: 0 },
    label: { position: align, formatter: name },
  });
  const some = (side) => found.cells.some((cell) => cell[side] === null);
  const nodes = [
    ...found.before.map((n) => node("b", n, "right")),
    ...(some("from") ? [other(ENTERED, 0, "right")] : []),
    ...found.now.map((n) => node("n", n, "left")),
    ...(some("to") ? [other(LEFT, 1, "left")] : []),
  ];
  const links = found.cells.map(({ from, to, customers, gross_revenue }) => ({
    source: from === null ? ENTERED : `b${from}`,
    target: to === null ? LEFT : `n${to}`,
    value: customers,
    worth: gross_revenue,
    lineStyle: { color: from === null ? read("--soft") : tone(from), opacity: from === to ? 0.18 : 0.5 },
  }));
  return {
    animation: false,
    series: [
      {
        type: "sankey",
        left: 0,
        right: 0,
        top: 8,
        bottom: 8,
        nodeWidth: 12,
        nodeGap: isNarrow ? 10 : 14,
        layoutIterations: 0,
        draggable: false,
        data: nodes,
        links,
        label: { color: read("--ink"), fontSize: 12, textBorderColor: read("--surface"), textBorderWidth: 3 },
        lineStyle: { curveness: 0.5 },
        emphasis: { focus: "adjacency" },
      },
    ],
  };
}

function said({ dataType, data, value }) {
  if (dataType === "node") {
    return [h("p", { class: "title" }, data.title), h("p", null, format.plural(value, "customer", "customers"))];
  }
  if (dataType !== "edge") return null;
  const side = (name) => (name === ENTERED || name === LEFT ? name : name.slice(1));
  return [
    h("p", { class: "title" }, `${side(data.source)} → ${side(data.target)}`),
    h("p", null, `${format.plural(data.value, "customer", "customers")}, worth ${format.compact(data.worth)}`),
  ];
}

function matrix(found) {
  const cells = new Map(found.cells.map((cell) => [`${cell.from} ${cell.to}`, cell.customers]));
  const targets = [...found.now.map((node) => node.label), null];
  const sources = [...found.before, { label: null, name: ENTERED }];
  return table(
    "Customers by segment before (rows) and now (columns)",
    ["From \\ to", ...targets.map((label) => `>${label ?? LEFT}`)],
    sources.map((node) => [
      node.label === null ? ENTERED : `${node.label} ${node.name}`,
      ...targets.map((to) => {
        const n = cells.get(`${node.label} ${to}`);
        return n ? format.count(n) : "·";
      }),
    ]),
    { class: "matrix" },
  );
}
