// Histograms of the features, of all customers or of some segments.
import { chart } from "./charts.js";
import { h, section, table } from "./dom.js";
import * as format from "./format.js";
import { colour, read } from "./palette.js";
import * as selection from "./selection.js";
import * as tip from "./tip.js";

const NAMES = {
  gross_revenue: ["Revenue", ""],
  recency_days: ["Days since the last purchase", "days"],
  frequency: ["Invoices a day", ""],
  quantity_of_products: ["Pieces bought", "pieces"],
  returns: ["Return invoices", ""],
};

export function distributions(report) {
  const { segments } = report;
  const select = h(
    "select",
    { id: "of-segment", onchange: () => selection.only(select.value === "all" ? null : Number(select.value)) },
    h("option", { value: "all" }, "All customers"),
    h("option", { value: "several", hidden: true, disabled: true }, "The segments chosen at the map"),
    segments.map((segment, place) => h("option", { value: String(place) }, `${segment.label} ${segment.name}`)),
  );
  selection.onChange(() => {
    const places = selection.places();
    select.value = places.length === 0 ? "all" : places.length === 1 ? String(places[0]) : "several";
  });
  return section(
    "distributions",
    "How the features are distributed",
    "Bars of equal ratio where a feature is skewed; customers without any have a bar of their own at the left.",
    h("div", { class: "tools" }, h("label", { for: "of-segment" }, "Show"), select),
    h("div", { class: "charts" }, report.distributions.map((found) => histogram(found, segments))),
  );
}

function histogram(found, segments) {
  const [name, unit] = NAMES[found.feature] ?? [found.feature, ""];
  const bars = labelled(found);
  // On a logarithmic scale the powers of ten are what is read, where there are enough of them.
  const isDecade = found.scale === "logarithmic" && bars.filter((bar) => bar.isDecade).length > 3;
  const sums = () =>
    bars.map((bar) => bar.counts.reduce((sum, n, place) => sum + (selection.isShown(place) ? n : 0), 0));
  const of = (n) => `${format.figure(n)}${unit && ` ${unit}`}`;
  const draw = h("div", { class: "draw", role: "img" });
  const rows = h("div");
  const update = () => {
    const counted = sums();
    const all = counted.reduce((a, b) => a + b, 0);
    const most = counted.indexOf(Math.max(...counted));
    draw.setAttribute(
      "aria-label",
      `Histogram of ${name.toLowerCase()} for ${format.count(all)} customers; the most, ${format.count(counted[most] ?? 0)}, are at ${bars[most]?.text ?? "none"}.`,
    );
    rows.replaceChildren(
      table(`${name}, customers by bar`, ["Value", ">Customers"], bars.map((bar, i) => [bar.text, format.count(counted[i])])),
    );
  };
  const options = () => {
    const places = selection.places();
    const axis = { axisLine: { lineStyle: { color: read("--line") } }, axisTick: { show: false } };
    const label = { color: read("--soft"), fontSize: 11 };
    return {
      animation: false,
      grid: { left: 2, right: 8, top: 10, bottom: 2, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      xAxis: {
        ...axis,
        type: "category",
        data: bars.map((bar) => bar.tick),
        axisLabel: { ...label, hideOverlap: true, interval: isDecade ? (i) => bars[i].isDecade : "auto" },
      },
      yAxis: {
        ...axis,
        type: "value",
        splitNumber: 3,
        minInterval: 1,
        splitLine: { lineStyle: { color: read("--line") } },
        axisLine: { show: false },
        axisLabel: { ...label, formatter: (n) => format.compact(n) },
      },
      series: [
        {
          type: "bar",
          data: sums(),
          barCategoryGap: "8%",
          itemStyle: { color: places.length === 1 ? colour(places[0]) : read("--bar"), borderRadius: [2, 2, 0, 0] },
        },
      ],
    };
  };
  const { redraw } = chart(draw, options, {
    ready: (drawn) =>
      tip.follow(drawn, ({ dataIndex }) => [
        h("p", { class: "title" }, `${bars[dataIndex].text}${unit && ` ${unit}`}`),
        h("p", null, format.plural(sums()[dataIndex], "customer", "customers")),
      ]),
  });
  selection.onChange(() => {
    update();
    redraw();
  });
  update();
  return h(
    "figure",
    { class: "chart surface" },
    h("figcaption", null, h("h3", null, name), h("span", { class: "soft small" }, `median ${of(found.median)}`)),
    draw,
    h("details", null, h("summary", null, "As a table"), rows),
  );
}

/** The bars with what they are called, the one of the zeros first. */
function labelled(found) {
  const isWhole = found.edges.every(Number.isInteger);
  const bars = found.edges.slice(0, -1).map((from, i) => {
    const to = found.edges[i + 1];
    const last = isWhole ? to - 1 : to;
    const text = isWhole && last === from ? format.figure(from) : `${format.figure(from)} to ${format.figure(last)}`;
    const isDecade = Math.abs(Math.log10(from) - Math.round(Math.log10(from))) < 1e-9;
    return { tick: format.compact(Number(from.toPrecision(6))), isDecade, text, counts: found.counts.map((row) => row[i]) };
  });
  if (found.zeros?.some((n) => n > 0)) bars.unshift({ tick: "0", isDecade: true, text: "0", counts: found.zeros });
  return bars;
}
