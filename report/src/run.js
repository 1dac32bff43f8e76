// The run: what it read and what it took.
import { h, pairs, section, table } from "./dom.js";
import * as format from "./format.js";

export function run(report) {
  const { run: r } = report;
  const sum = (of) => r.stages.reduce((all, stage) => all + of(stage), 0);
  const memory = (stage) => (stage.peak_memory_bytes ? format.bytes(stage.peak_memory_bytes) : "unknown");
  const rows = r.stages.map((stage) => [
    stage.stage,
    format.seconds(stage.seconds),
    memory(stage),
    format.count(stage.rows_in),
    format.count(stage.rows_out),
    format.usd(stage.estimated_cost_usd),
  ]);
  if (r.stages.length > 1) {
    const peak = Math.max(...r.stages.map((stage) => stage.peak_memory_bytes ?? 0));
    rows.push(["All", format.seconds(sum((s) => s.seconds)), memory({ peak_memory_bytes: peak }), "", "", format.usd(sum((s) => s.estimated_cost_usd))]);
  }
  const steps = r.stages.flatMap((stage) =>
    Object.entries(stage.steps ?? {}).map(([step, seconds]) => [`${stage.stage}: ${step}`, format.seconds(seconds)]),
  );
  return section(
    "run",
    "Run",
    "What was read, and what it took.",
    h(
      "div",
      { class: "panels" },
      h(
        "div",
        { class: "panel surface" },
        h("h3", null, "What was run"),
        pairs("pairs", [
          ["Run", h("code", null, r.run_id)],
          ["As of", format.moment(r.as_of)],
          ["Source", `${r.source} (${format.bytes(r.source_bytes)})`],
          ["Customers", `${format.count(report.headline.customers)}, ${format.count(r.guests)} of them guests`],
          ["Program", `insiders ${r.program_version}`],
        ]),
      ),
      h(
        "div",
        { class: "panel surface" },
        h("h3", null, "What it took"),
        table("Cost is estimated at list prices of AWS Lambda", ["Stage", ">Time", ">Memory", ">Rows in", ">Rows out", ">Cost"], rows),
        steps.length > 0 && h("details", null, h("summary", null, "By step"), table("Time by step", ["Step", ">Time"], steps)),
      ),
    ),
  );
}
