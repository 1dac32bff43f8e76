// A segment's colour and shape: eight colours times four shapes tell 32 segments apart, and its
// number stands beside it everywhere.
import { h } from "./dom.js";

const COLOURS = 8;
const SHAPES = ["circle", "square", "triangle", "diamond"];
const SYMBOLS = ["circle", "rect", "triangle", "diamond"];

const shape = (place) => Math.floor(place / COLOURS) % SHAPES.length;

export const variable = (place) => `var(--c${place % COLOURS})`;
export const symbol = (place) => SYMBOLS[shape(place)];
export const colour = (place) => read(`--c${place % COLOURS}`);

/** A colour of the present theme, as the charts take it. */
export const read = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const mark = (place) =>
  h("span", { class: `mark ${SHAPES[shape(place)]}`, "--c": variable(place), "aria-hidden": "true" });

/** Mark, number and name of a segment. */
export const tag = (place, segment) =>
  h("span", { class: "tag" }, mark(place), h("span", { class: "id" }, String(segment.label)), h("span", null, segment.name));
