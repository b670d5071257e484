/** Numbers as people read them; the same forms as archlab's tables. */

const SI = ["", "K", "M", "G", "T", "P"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

function scaled(value: number, base: number, units: string[], between: string): string {
  let [power, rest] = [0, Math.abs(value)];
  while (rest >= base * 0.9995 && power < units.length - 1) [power, rest] = [power + 1, rest / base];
  const digits = power === 0 ? (Number.isInteger(rest) ? 0 : 2) : rest >= 100 ? 1 : 2;
  const text = rest.toFixed(digits).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  return `${value < 0 ? "-" : ""}${text}${between}${units[power]}`.trim();
}

/** `25.56M`. */
export function si(value: number): string {
  return scaled(value, 1000, SI, "");
}

/** `105.6 MiB`. */
export function binary(value: number): string {
  return scaled(value, 1024, BINARY, " ");
}

/** `12` as `12th` is nobody's need; `1 layer`, `2 layers` is. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
