// The page, from the document in it.
import { cards } from "./cards.js";
import { distributions } from "./distributions.js";
import { h } from "./dom.js";
import { flow } from "./flow.js";
import * as format from "./format.js";
import { hero } from "./hero.js";
import { map } from "./map.js";
import { model } from "./model.js";
import { quality } from "./quality.js";
import { run } from "./run.js";
import * as theme from "./theme.js";
import { value } from "./value.js";

const report = JSON.parse(document.getElementById("data").textContent);
const main = document.getElementById("main");
const nav = h("ul");
theme.start();

const add = (part) => part && main.append(part);

document.title = `Insiders: ${format.moment(report.run.as_of)}`;
add(hero(report));
if (report.segments.length > 0) {
  const shown = map(report);
  add(shown.section);
  // It measures its place, so it is drawn once it has one.
  shown.draw();
  add(cards(report));
  add(distributions(report));
}
add(flow(report));
add(value(report));
add(quality(report));
add(model(report));
add(run(report));
for (const [id, text] of [
  ["map", "Map"],
  ["segments", "Segments"],
  ["distributions", "Distributions"],
  ["flow", "Moves"],
  ["rfm", "RFM"],
  ["quality", "Data quality"],
  ["model", "Model"],
  ["run", "Run"],
]) {
  if (document.getElementById(id)) nav.append(h("li", null, h("a", { href: `#${id}` }, text)));
}
document.getElementById("nav").append(nav);
document.getElementById("foot").append(
  h("p", null, `Run ${report.run.run_id}, as of ${format.moment(report.run.as_of)}. Figures of single customers on the map are rounded; no customer's id is on this page.`),
  h("p", null, "Charts by Apache ECharts, Apache License 2.0."),
);
