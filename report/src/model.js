// The models: what they were fitted to, how good they are, whether they still fit.
import { h, pairs, section, table } from "./dom.js";
import * as format from "./format.js";

const GATES = {
  min_silhouette: ["Silhouette", "at least"],
  min_stability: ["Stability of refits", "at least"],
  max_moved_share: ["Customers who change segment", "at most"],
  max_share_shift: ["Largest change of a segment's share", "at most"],
  max_psi: ["Largest stability index (PSI)", "at most"],
  max_ks: ["Largest Kolmogorov-Smirnov distance", "at most"],
};
/** What is called little and much of the population stability index. */
const LITTLE = 0.1;
const MUCH = 0.25;

export function model(report) {
  const m = report.model;
  const isFit = m.action === "fit";
  const stability = m.promotion?.gates?.find((gate) => gate.name === "min_stability");
  return section(
    "model",
    "Model",
    isFit ? "The models were fitted by this run." : "Stored models were applied, so that a customer's segment depends on that customer alone.",
    h(
      "div",
      { class: "panels" },
      h(
        "div",
        { class: "panel surface" },
        h("h3", null, "What places the customers"),
        pairs("pairs", [
          ["Version", h("code", null, m.version)],
          m.training_customers !== undefined && ["Fitted to", `${format.count(m.training_customers)} customers`],
          m.fitted_to !== undefined && ["From", m.fitted_to],
          ["Silhouette", `${format.three(m.quality.silhouette)}${now(m, "silhouette", format.three)}`],
          ["Inertia", `${format.figure(m.quality.inertia)}${now(m, "inertia", format.figure)}`],
          stability && ["Stability", format.three(stability.value)],
          m.quality.rules_f1 != null && ["Rules", `F1 ${format.three(m.quality.rules_f1)}, the mean over the customers`],
          m.quality.next_step_verified_share != null && [
            "Next steps",
            `${format.percent(m.quality.next_step_verified_share)} of ${format.count(m.quality.next_step_sample)} that were tried lead into the first segment`,
          ],
          m.promotion && ["Standing", standing(m.promotion)],
        ]),
      ),
      m.promotion?.gates?.length > 0 && h("div", { class: "panel surface" }, h("h3", null, "Gates"), gates(m.promotion.gates)),
      m.drift.length > 0 && h("div", { class: "panel surface" }, h("h3", null, "Drift"), drift(m.drift)),
    ),
  );
}

const now = (m, name, text) =>
  m.action === "apply" && m.quality_at_fit ? `, ${text(m.quality_at_fit[name])} when fitted` : "";

function standing(promotion) {
  if (promotion.promoted) return promotion.champion ? "champion, in place of the one before" : "champion, the first one";
  return `stays a challenger: ${promotion.reason ?? "a gate was missed"}`;
}

function gates(list) {
  return table(
    "What a refit is measured by before it is used",
    ["Gate", ">Measured", ">Threshold", ">Passed"],
    list.map(({ name, value, threshold, passed }) => {
      const [text, side] = GATES[name] ?? [name, ""];
      return [
        text,
        format.figure(value),
        `${side} ${format.figure(threshold)}`,
        h("span", { class: passed ? "good" : "bad" }, passed ? "✓ yes" : "✗ no"),
      ];
    }),
  );
}

function drift(list) {
  const names = {
    gross_revenue: "Revenue",
    recency_days: "Days since the last purchase",
    quantity_of_products: "Pieces",
    returns: "Returns",
    frequency: "Invoices a day",
  };
  return table(
    "How far the customers are from those that the models were fitted to",
    ["Feature", ">PSI", ">KS", ">Change"],
    list.map(({ feature, psi, ks }) => [
      names[feature] ?? feature,
      format.three(psi),
      format.three(ks),
      h("span", { class: psi > MUCH ? "bad" : null }, psi > MUCH ? "much" : psi > LITTLE ? "some" : "little"),
    ]),
  );
}
