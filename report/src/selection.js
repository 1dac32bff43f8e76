// Which segments are looked at, by their places in the list; none chosen means all.
const chosen = new Set();
const listeners = [];

export const isShown = (place) => chosen.size === 0 || chosen.has(place);
export const isChosen = (place) => chosen.has(place);
export const places = () => [...chosen].sort((a, b) => a - b);
export const onChange = (listener) => listeners.push(listener);

const tell = () => listeners.forEach((listener) => listener());

export function toggle(place) {
  if (!chosen.delete(place)) chosen.add(place);
  tell();
}

export function only(place) {
  chosen.clear();
  if (place !== null) chosen.add(place);
  tell();
}
