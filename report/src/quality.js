// From rows to customers: what was kept, dropped and quarantined.
import { h, section, table } from "./dom.js";
import * as format from "./format.js";

const RULES = {
  erased: "of customers who were erased",
  no_customer_id: "no customer id",
  no_description: "no description",
  stock_code: "excluded stock code",
  country: "excluded country",
  unit_price: "unit price below the least",
  customer: "excluded customer",
};
const REASONS = {
  field_count: "another number of fields than the header",
  unclosed_quote: "a quote that is never closed",
  too_long: "longer than any invoice line",
  encoding: "bytes that mean nothing in the encoding",
  nul: "a NUL character",
  missing: "a required value is empty",
  quantity: "the quantity is no whole number",
  unit_price: "the price is no number",
  not_finite: "the price is not finite",
  out_of_range: "a number out of range",
  date: "no date of the configured format",
};

export function quality(report) {
  const q = report.quality;
  const dropped = q.dropped.reduce((sum, { rows }) => sum + rows, 0);
  const parts = [
    ["kept", q.kept, "var(--c3)"],
    ["dropped by rule", dropped, "var(--c1)"],
    ["after the run's moment", q.after_as_of, "var(--c4)"],
    ["before the window", q.before_window, "var(--c7)"],
    ["could not be read", q.quarantined, "var(--c0)"],
  ].filter(([, rows], i) => rows > 0 || i < 2 || i === 4);
  const share = (rows) => (q.rows > 0 ? rows / q.rows : 0);
  return section(
    "quality",
    "Data quality",
    `${format.count(q.rows)} rows were read. What can't be read is kept apart with its reason in quarantine.parquet; this page has no customer's row.`,
    q.checks.length > 0 && checks(q.checks),
    h(
      "div",
      { class: "panel surface" },
      h("h3", null, "What became of the rows"),
      h("div", { class: "stack", "aria-hidden": "true" }, parts.map(([, rows, c]) => rows > 0 && h("span", { "--share": `${share(rows) * 100}%`, "--c": c }))),
      h(
        "ul",
        { class: "keys" },
        parts.map(([name, rows, c]) =>
          h("li", { class: "tag" }, h("span", { class: "mark", "--c": c, "aria-hidden": "true" }), h("b", null, format.count(rows)), h("span", { class: "soft" }, `${name}, ${precise(share(rows))}`)),
        ),
      ),
    ),
    h(
      "div",
      { class: "panels below" },
      h(
        "div",
        { class: "column" },
        panel("Dropped by rule", q.dropped.length > 0 && counts("Rows by rule", "Rule", q.dropped, RULES)),
        panel("Columns", q.profile.length > 0 && columns(q.profile)),
        panel("Ranges of what was read", ranges(q.ranges)),
      ),
      panel(
        "Could not be read",
        h("p", { class: "soft small" }, `${q.quarantined > 0 ? precise(share(q.quarantined)) : "None"} of the rows; a run stops above ${precise(q.max_quarantined_share)}.`),
        q.reasons.length > 0 && reasons(q.reasons),
        q.columns.length > 0 && counts("Rows by column", "Column", q.columns, {}),
      ),
    ),
  );
}

/** Small shares are not rounded to nothing. */
const precise = (share) => (share > 0 && share < 0.001 ? `${format.figure(share * 100)}%` : format.percent(share));

function panel(title, ...content) {
  const some = content.filter(Boolean);
  return h("div", { class: "panel surface" }, h("h3", null, title), some.length > 0 ? some : h("p", { class: "soft" }, "None."));
}

const counts = (caption, head, entries, names) =>
  table(caption, [head, ">Rows"], entries.map(({ name, rows }) => [names[name] ?? name, format.count(rows)]));

const columns = (entries) =>
  table(
    "Columns of the rows that were read",
    ["Column", ">Empty", ">Different values"],
    entries.map(({ name, nulls, distinct }) => [name, format.count(nulls), distinct === undefined ? "" : format.count(distinct)]),
  );

function checks(entries) {
  return h(
    "div",
    { class: "note checks" },
    h("h3", null, "Not as in the run before"),
    h("ul", null, entries.map(({ kind, message }) => h("li", null, `${kind}: ${message}`))),
  );
}

function reasons(entries) {
  return table(
    "Rows by reason, and where some of them are",
    ["Reason", ">Rows"],
    entries.map(({ name, rows, samples }) => [
      [
        REASONS[name] ?? name,
        h(
          "div",
          { class: "samples" },
          samples.map(({ object, line, column }) => h("div", null, `${object}, line ${format.count(line)}${column ? `, ${column}` : ""}`)),
        ),
      ],
      format.count(rows),
    ]),
  );
}

function ranges(found) {
  const named = { quantity: "Quantity", unit_price: "Unit price", invoice_date: "Invoice date" };
  const text = (value) => (typeof value === "number" ? format.figure(value) : format.moment(String(value)));
  const rows = Object.entries(named)
    .filter(([key]) => Array.isArray(found?.[key]))
    .map(([key, name]) => [name, text(found[key][0]), text(found[key][1])]);
  return rows.length > 0 && table("Least and greatest of the rows that were read", ["Column", ">Least", ">Greatest"], rows);
}
