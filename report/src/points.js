// The customers' points as docs/REPORT.md tells them: little-endian arrays in base64.

function bytes(text) {
  const raw = atob(text);
  const found = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) found[i] = raw.charCodeAt(i);
  return found;
}

function u16(text) {
  const raw = bytes(text);
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) return new Uint16Array(raw.buffer);
  const view = new DataView(raw.buffer);
  return Uint16Array.from({ length: raw.length / 2 }, (_, i) => view.getUint16(2 * i, true));
}

const logarithmic = ({ greatest, values }) => {
  const coded = u16(values);
  const top = Math.log1p(greatest) / 65535;
  return (row) => Math.expm1(coded[row] * top);
};

const plain = (text) => {
  const values = u16(text);
  return (row) => values[row];
};

/** Coordinates from -0.5 to 0.5, segments by their places, and figures by row. */
export function decode(points) {
  const { count } = points;
  const [x, y] = [u16(points.x), u16(points.y)];
  const segment = bytes(points.segment);
  const xy = new Float32Array(2 * count);
  for (let row = 0; row < count; row += 1) {
    xy[2 * row] = x[row] / 65535 - 0.5;
    xy[2 * row + 1] = y[row] / 65535 - 0.5;
  }
  return {
    count,
    of: points.of,
    xy,
    segment,
    figures: {
      gross_revenue: logarithmic(points.gross_revenue),
      recency_days: plain(points.recency_days),
      frequency: logarithmic(points.frequency),
      quantity_of_products: logarithmic(points.quantity_of_products),
      returns: plain(points.returns),
    },
  };
}

/** By segment, the coordinates one after the other. */
export function bySegment(points, segments) {
  const sizes = new Array(segments).fill(0);
  for (const place of points.segment) if (place < segments) sizes[place] += 1;
  const parts = sizes.map((size) => new Float32Array(2 * size));
  const at = new Array(segments).fill(0);
  for (let row = 0; row < points.count; row += 1) {
    const place = points.segment[row];
    if (place >= segments) continue;
    parts[place][at[place]] = points.xy[2 * row];
    parts[place][at[place] + 1] = points.xy[2 * row + 1];
    at[place] += 2;
  }
  return parts;
}

/** Where a segment's number stands: the point that is nearest to the middle of its points. */
export function middle(part) {
  const size = part.length / 2;
  if (size === 0) return null;
  let [mx, my] = [0, 0];
  for (let i = 0; i < part.length; i += 2) {
    mx += part[i] / size;
    my += part[i + 1] / size;
  }
  let [best, least] = [0, Infinity];
  for (let i = 0; i < part.length; i += 2) {
    const distance = (part[i] - mx) ** 2 + (part[i + 1] - my) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return [part[best], part[best + 1]];
}
