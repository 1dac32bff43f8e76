// Elements. Whatever comes from the data gets in as text, never as markup.

/** An element with attributes (`class`, `aria-label`, …; `--x` sets a custom property) and children. */
export function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("--")) element.style.setProperty(key, value);
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** A section of the page with its heading. */
export function section(id, title, lead, ...children) {
  return h(
    "section",
    { class: "section", id, "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title` }, title),
    lead && h("p", { class: "lead" }, lead),
    ...children,
  );
}

/** Terms and what they are, as a definition list. */
export function pairs(className, entries) {
  return h(
    "dl",
    { class: className },
    entries.filter(Boolean).map(([term, ...what]) => [h("dt", null, term), h("dd", null, ...what)]),
  );
}

/** A table; a head that begins with `>` is of numbers, `rows` are cells, the first one a head. */
export function table(caption, heads, rows, attributes) {
  const isNumber = heads.map((head) => head.startsWith(">"));
  const cell = (content, column) => {
    const number = isNumber[column] && "number";
    return column === 0 ? h("th", { scope: "row" }, content) : h("td", { class: number || null }, content);
  };
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      attributes,
      h("caption", null, caption),
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          heads.map((head, i) =>
            h("th", { scope: "col", class: isNumber[i] ? "number" : null }, head.replace(/^>/, "")),
          ),
        ),
      ),
      h("tbody", null, rows.map((row) => h("tr", null, row.map(cell)))),
    ),
  );
}
