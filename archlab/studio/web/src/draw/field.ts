/** What one unit sees of the input: the input, the unit's receptive field over it, and the pixels that are really read. */

import { s } from "../dom";
import type { FieldAxis } from "../protocol";
import { linear, ticks } from "./scale";

const MARGIN = { left: 56, right: 16, top: 16, bottom: 42 };
const MOST_PARTS = 4000;
const BAR = 46;
/** Points that a number of an axis needs, beside and above another. */
const [WIDE, HIGH] = [36, 14];

/** An axis whose field is known. */
type Known = FieldAxis & { first: number; last: number };

interface Extent {
  low: number;
  high: number;
}

/** The pixels that a picture shows: the input's, and those of the field around it, in the margin of what padding adds. */
function extent({ input, first, last }: Known): Extent {
  const [low, high] = [Math.min(0, first), Math.max(input, last + 1)];
  const most = 4 * input; // of a field much larger than the input, where it goes on is shown, not all of it
  return { low: Math.max(low, -most), high: Math.min(high, input + most) };
}

/** Positions that are named on an axis: its ends and those of the input, and round ones that have room between them.
 *
 * @param apart points that a number needs.
 * @param scale points of a position.
 */
export function marks({ low, high }: Extent, input: number, scale: number, apart: number): number[] {
  const wanted = [0, input, low, high, ...ticks(input, 4)];
  const found: number[] = [];
  for (const value of wanted) {
    const isWithin = value >= low && value <= high;
    if (isWithin && found.every((other) => Math.abs(other - value) * scale >= apart)) found.push(value);
  }
  return found.sort((a, b) => a - b);
}

export function drawField(axes: readonly FieldAxis[], width: number): SVGSVGElement | null {
  const known = axes.filter((axis): axis is Known => axis.first !== null && axis.last !== null);
  if (width < 80 || !known.length || known.length < axes.length) return null;
  return known.length === 2 ? map(known[0]!, known[1]!, width) : bars(known, width);
}

function map(rows: Known, columns: Known, available: number): SVGSVGElement {
  const [v, u] = [extent(rows), extent(columns)];
  const most = Math.min(420, available - MARGIN.left - MARGIN.right);
  const scale = Math.min(most / (u.high - u.low), 380 / (v.high - v.low));
  const [width, height] = [(u.high - u.low) * scale, (v.high - v.low) * scale];
  const x = linear([u.low, u.high], [MARGIN.left, MARGIN.left + width]);
  const y = linear([v.low, v.high], [MARGIN.top, MARGIN.top + height]);
  const box = (name: string, left: number, top: number, right: number, bottom: number): SVGElement =>
    s("rect", {
      class: name, x: x(Math.max(left, u.low)), y: y(Math.max(top, v.low)),
      width: Math.max(0.5, x(Math.min(right, u.high)) - x(Math.max(left, u.low))),
      height: Math.max(0.5, y(Math.min(bottom, v.high)) - y(Math.max(top, v.low))),
    });
  const read = rows.parts.length * columns.parts.length <= MOST_PARTS
    ? rows.parts.flatMap(([top, bottom]) => columns.parts.map(([left, right]) => box("read", left, top, right + 1, bottom + 1)))
    : [];
  const bottom = MARGIN.top + height;
  return s(
    "svg",
    {
      class: "field", width: MARGIN.left + width + MARGIN.right, height: height + MARGIN.top + MARGIN.bottom, role: "img",
      "aria-label": `${told(rows)}; ${told(columns)}`,
    },
    box("input", 0, 0, columns.input, rows.input),
    ...read,
    box("seen", columns.first, rows.first, columns.last + 1, rows.last + 1),
    ...marks(u, columns.input, scale, WIDE).map((value) => s("text", { x: x(value), y: bottom + 15, "text-anchor": "middle" }, String(value))),
    ...marks(v, rows.input, scale, HIGH).map((value) => s("text", { x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, String(value))),
    s("text", { class: "axis", x: MARGIN.left + width, y: bottom + 34, "text-anchor": "end" }, `${columns.name}, pixels of the input`),
    s("text", { class: "axis", transform: `translate(12 ${bottom}) rotate(-90)` }, `${rows.name}, pixels`),
  );
}

function bars(axes: readonly Known[], available: number): SVGSVGElement {
  const width = Math.min(560, available - MARGIN.left - MARGIN.right);
  const pieces = axes.flatMap((axis, index) => {
    const of = extent(axis);
    const top = MARGIN.top + index * (BAR + 36);
    const x = linear([of.low, of.high], [MARGIN.left, MARGIN.left + width]);
    const box = (name: string, left: number, right: number, from: number, height: number): SVGElement => {
      const [start, end] = [x(Math.max(left, of.low)), x(Math.min(right, of.high))];
      return s("rect", { class: name, x: start, y: top + from, width: Math.max(0.5, end - start), height });
    };
    return [
      box("input", 0, axis.input, 8, BAR - 24),
      ...axis.parts.slice(0, MOST_PARTS).map(([left, right]) => box("read", left, right + 1, 8, BAR - 24)),
      box("seen", axis.first, axis.last + 1, 0, BAR - 8),
      ...marks(of, axis.input, width / (of.high - of.low), WIDE).map((value) => s("text", { x: x(value), y: top + BAR + 6, "text-anchor": "middle" }, String(value))),
      s("text", { class: "axis", x: MARGIN.left + width, y: top + BAR + 22, "text-anchor": "end" }, `${axis.name}, positions of the input`),
    ];
  });
  const label = axes.map(told).join("; ");
  return s("svg", { class: "field", width: MARGIN.left + width + MARGIN.right, height: MARGIN.top + axes.length * (BAR + 36), role: "img", "aria-label": label }, ...pieces);
}

/** `height: unit 3 of 7 sees 427 positions, -101 to 325, of 224`. */
export function told({ name, unit, units, first, last, input }: FieldAxis): string {
  if (first === null || last === null) return `${name}: what a unit sees is not known`;
  return `${name}: unit ${unit + 1} of ${units} sees ${(last - first + 1).toLocaleString("en")} positions, ${first} to ${last}; the input has ${input}`;
}
