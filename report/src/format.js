// Figures for reading. No currency: the export does not say which.
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const fixed = (n) => new Intl.NumberFormat("en", { minimumFractionDigits: n, maximumFractionDigits: n });
const fixed1 = fixed(1);
const fixed2 = fixed(2);

export const count = (n) => whole.format(n);
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });
/** Three digits, four places at most; whole numbers from 100 on. */
export const figure = (n) => {
  const size = Math.abs(n);
  if (size > 0 && size < 0.0001) return n > 0 ? "<0.0001" : ">−0.0001";
  return size >= 100 ? whole.format(n) : size < 0.1 ? fine.format(n) : digits.format(n);
};
export const compact = (n) => (Math.abs(n) >= 10_000 ? short.format(n) : figure(n));
export const percent = (share) => `${fixed1.format(share * 100)}%`;
export const two = (n) => fixed2.format(n);
export const three = (n) => fixed(3).format(n);
export const signed = (n) => (n > 0 ? `+${whole.format(n)}` : n < 0 ? `−${whole.format(-n)}` : "±0");
export const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;
export const times = (ratio) => {
  if (!Number.isFinite(ratio)) return "";
  if (ratio >= 0.95 && ratio < 1.05) return "as the mean";
  if (ratio < 0.01) return ratio > 0 ? "under 0.01× the mean" : "";
  return `${ratio >= 10 ? whole.format(ratio) : digits.format(Number(ratio.toPrecision(ratio < 0.1 ? 1 : 2)))}× the mean`;
};
export const bytes = (n) => {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1000;
    unit += 1;
  }
  return `${digits.format(n)} ${units[unit]}`;
};
export const usd = (n) => `${n < 0.01 ? Number(n.toPrecision(2)).toFixed(6).replace(/0+$/, "") : fixed2.format(n)} USD`;
export const seconds = (s) => (s >= 90 ? `${digits.format(s / 60)} min` : `${digits.format(s)} s`);
/** 2011-12-09T12:50:00 as 9 December 2011, 12:50. */
export const moment = (text) => {
  const found = /^(\d+)-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(text);
  if (!found) return text;
  const [, year, month, day, time] = found;
  const name = new Intl.DateTimeFormat("en", { month: "long", timeZone: "UTC" }).format(
    Date.UTC(2000, Number(month) - 1, 1),
  );
  return `${Number(day)} ${name} ${year}, ${time}`;
};
