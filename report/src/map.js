// The map of the customers, its zoom and its legend.
import KDBush from "kdbush";
import { chart } from "./charts.js";
import { h, pairs, section } from "./dom.js";
import * as format from "./format.js";
import { colour, mark, read, symbol } from "./palette.js";
import { bySegment, decode, middle } from "./points.js";
import * as selection from "./selection.js";
import * as tip from "./tip.js";

/** So many points are drawn as plain dots. */
const MANY = 20_000;
/** How far from the pointer a point may be, in pixels. */
const NEAR = 14;

export function map(report) {
  const { segments } = report;
  const points = decode(report.points);
  const parts = bySegment(points, segments.length);
  const middles = parts.map(middle);
  const isLarge = points.count > MANY;

  const canvas = h("div", { class: "canvas", role: "img", "aria-label": described(report) });
  const ring = h("div", { class: "ring", hidden: true });
  const button = (text, label, act, wide) =>
    h("button", { type: "button", "aria-label": label, class: wide && "wide", onclick: act }, text);
  const zoom = h(
    "div",
    { class: "zoom", role: "group", "aria-label": "Zoom of the map" },
    button("+", "Zoom in", () => scale(0.6)),
    button("−", "Zoom out", () => scale(1 / 0.6)),
    button("Reset", "Show the whole map", () => view(0, 100, 0, 100), true),
  );
  const plot = h("div", { class: "plot" }, canvas, ring, zoom);

  let drawn = null;
  let window_ = { x: [0, 100], y: [0, 100] };
  const isZoomed = () => window_.x[1] - window_.x[0] < 99.9;

  function options(instance) {
    const isNarrow = instance.getWidth() < 480;
    // The embedding fills the place, with room for the numbers at its edge.
    const axis = { type: "value", show: false, min: -0.57, max: 0.57 };
    // A finger on the whole map scrolls the page.
    const inside = { type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseMove: isZoomed(), preventDefaultMouseMove: isZoomed(), minSpan: 0.5 };
    const size = isLarge ? 2.2 : points.count > 3000 ? 5.5 : 7;
    return {
      animation: false,
      grid: { left: 0, right: 0, top: 0, bottom: 0 },
      xAxis: axis,
      yAxis: axis,
      dataZoom: [
        { ...inside, id: "x", xAxisIndex: 0, start: window_.x[0], end: window_.x[1] },
        { ...inside, id: "y", yAxisIndex: 0, start: window_.y[0], end: window_.y[1] },
      ],
      series: [
        ...segments.map((segment, place) => ({
          id: `s${place}`,
          type: "scatter",
          silent: true,
          large: isLarge,
          largeThreshold: 0,
          progressive: 0,
          dimensions: ["x", "y"],
          data: selection.isShown(place) ? parts[place] : [],
          symbol: isLarge ? "rect" : symbol(place),
          symbolSize: symbol(place) === "circle" ? size : size + 1,
          itemStyle: { color: colour(place), opacity: isLarge ? 0.55 : 0.72 },
          z: 2,
        })),
        {
          id: "numbers",
          type: "scatter",
          silent: true,
          z: 5,
          symbol: "circle",
          symbolSize: isNarrow ? 18 : 22,
          // Above the points, not on them.
          symbolOffset: [0, isNarrow ? -14 : -18],
          data: segments.flatMap((segment, place) =>
            middles[place] && selection.isShown(place)
              ? [
                  {
                    value: middles[place],
                    itemStyle: { color: read("--surface"), borderColor: colour(place), borderWidth: 2, opacity: 0.94 },
                    label: { show: true, formatter: String(segment.label), color: read("--ink"), fontSize: isNarrow ? 10 : 12, fontWeight: 600 },
                  },
                ]
              : [],
          ),
        },
      ],
    };
  }

  function view(x0, x1, y0, y1) {
    if (!drawn) return;
    window_ = { x: [x0, x1], y: [y0, y1] };
    ring.hidden = true;
    drawn.setOption(options(drawn));
  }

  function scale(factor) {
    const part = ([from, to]) => {
      const half = Math.min(50, ((to - from) / 2) * factor);
      const at = Math.min(100 - half, Math.max(half, (from + to) / 2));
      return [at - half, at + half];
    };
    view(...part(window_.x), ...part(window_.y));
  }

  let index = null;
  function indexed() {
    if (index) return index;
    index = new KDBush(points.count, 64, Float32Array);
    for (let row = 0; row < points.count; row += 1) index.add(points.xy[2 * row], points.xy[2 * row + 1]);
    index.finish();
    return index;
  }

  function nearest(px, py) {
    const [x0, y0] = drawn.convertFromPixel({ gridIndex: 0 }, [px - NEAR, py + NEAR]);
    const [x1, y1] = drawn.convertFromPixel({ gridIndex: 0 }, [px + NEAR, py - NEAR]);
    let [found, least] = [-1, Infinity];
    for (const row of indexed().range(x0, y0, x1, y1)) {
      if (!selection.isShown(points.segment[row])) continue;
      const [x, y] = [points.xy[2 * row], points.xy[2 * row + 1]];
      const distance = ((2 * x - x0 - x1) / (x1 - x0)) ** 2 + ((2 * y - y0 - y1) / (y1 - y0)) ** 2;
      if (distance < least) [found, least] = [row, distance];
    }
    return found;
  }

  function hover(event) {
    const box = canvas.getBoundingClientRect();
    const row = nearest(event.clientX - box.left, event.clientY - box.top);
    ring.hidden = row < 0;
    if (row < 0) return tip.hide();
    const [px, py] = drawn.convertToPixel({ gridIndex: 0 }, [points.xy[2 * row], points.xy[2 * row + 1]]);
    ring.style.transform = `translate(${px}px, ${py}px)`;
    const place = points.segment[row];
    const figure = (name) => format.figure(points.figures[name](row));
    tip.show(
      event.clientX,
      event.clientY,
      h("p", { class: "title tag" }, mark(place), `${segments[place].label} ${segments[place].name}`),
      pairs(null, [
        ["Revenue", figure("gross_revenue")],
        ["Last purchase", `${figure("recency_days")} days ago`],
        ["Invoices a day", figure("frequency")],
        ["Pieces", figure("quantity_of_products")],
        ["Returns", figure("returns")],
      ]),
    );
  }

  function leave() {
    ring.hidden = true;
    tip.hide();
  }

  let redraw = () => {};
  const draw = () => ({ redraw } = chart(canvas, options, { eager: true, ready }));
  function ready(instance) {
    drawn = instance;
    instance.on("finished", once);
    instance.on("datazoom", () => {
      const [x, y] = instance.getOption().dataZoom;
      const wasZoomed = isZoomed();
      window_ = { x: [x.start, x.end], y: [y.start, y.end] };
      ring.hidden = true;
      if (wasZoomed !== isZoomed()) redraw();
    });
  }
  function once() {
    drawn.off("finished", once);
    performance.mark("scatter-drawn");
    document.documentElement.dataset.drawn = String(Math.round(performance.now()));
    setTimeout(indexed, 0);
  }
  plot.addEventListener("pointermove", (event) => event.pointerType === "mouse" && !event.buttons && hover(event));
  plot.addEventListener("click", (event) => zoom.contains(event.target) || hover(event));
  plot.addEventListener("pointerleave", leave);
  selection.onChange(() => {
    leave();
    redraw();
  });

  const note = [
    "Each dot is a customer; customers who buy alike lie close together. The axes have no unit. Ctrl and the wheel, or the buttons, zoom; dragging moves.",
    points.count < points.of &&
      ` Shown are ${format.count(points.count)} of ${format.count(points.of)} customers, taken evenly from every segment; all other figures are of all of them.`,
  ];
  const whole = section(
    "map",
    "The map of the customers",
    note.filter(Boolean).join(""),
    h("div", { class: "map surface" }, plot, legend(segments)),
  );
  return { section: whole, draw };
}

function legend(segments) {
  const all = h("button", { type: "button", class: "quiet", onclick: () => selection.only(null) }, "Show all");
  const entries = segments.map((segment, place) =>
    h(
      "button",
      { type: "button", "aria-pressed": "false", onclick: () => selection.toggle(place) },
      mark(place),
      h("span", { class: "id" }, String(segment.label)),
      h("span", null, segment.name),
      h("span", { class: "count" }, format.count(segment.customers)),
    ),
  );
  const update = () => {
    entries.forEach((entry, place) => entry.setAttribute("aria-pressed", String(selection.isChosen(place))));
    all.hidden = selection.places().length === 0;
  };
  selection.onChange(update);
  update();
  return h(
    "div",
    { class: "legend", role: "group", "aria-labelledby": "legend-title" },
    h("div", { class: "heading" }, h("h3", { id: "legend-title" }, "Show only"), all),
    h("ul", null, entries.map((entry) => h("li", null, entry))),
  );
}

function described(report) {
  const parts = report.segments.map((s) => `${s.label} ${s.name}: ${format.count(s.customers)} customers`);
  return `Scatter plot of ${format.count(report.points.count)} customers, by segment. ${parts.join("; ")}.`;
}
