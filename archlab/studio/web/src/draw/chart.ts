/** Values along a network, as a picture: axes with names and units, a reading at the pointer or by arrow keys. */

import { h, s, say, show } from "../dom";
import { linear, thinned, ticks } from "./scale";

export interface Line {
  name: string;
  values: readonly (number | null)[];
  /** 0 to 2: which colour and dash. */
  style: number;
}

export interface Level {
  value: number;
  label: string;
}

export interface Chart {
  /** For who cannot see it. */
  label: string;
  x: string;
  y: string;
  /** Where each value stands among all, from 0 and ascending: of many only some may be there. */
  at: readonly number[];
  lines: readonly Line[];
  /** Horizontal lines for comparison. */
  levels: readonly Level[];
  /** A point that is marked, by its index. */
  mark?: { index: number; text: string } | undefined;
  filled?: boolean;
  /** Ticks at round binary numbers. */
  binary?: boolean;
  /** A logarithmic axis, where values differ by orders of magnitude. */
  logarithmic?: boolean;
  tick(value: number): string;
  read(index: number): string;
  pick(index: number): void;
}

const HEIGHT = 230;
const MARGIN = { left: 62, right: 14, top: 14, bottom: 40 };
const MOST_POINTS = 1500;

export class ChartView {
  private readonly reading = h("p", { class: "reading" });
  private readonly frame = h("div", {
    class: "chart", tabindex: 0, role: "slider", "aria-valuemin": 1, onkeydown: (event: KeyboardEvent) => this.key(event),
    onpointermove: (event: PointerEvent) => this.point(event), onclick: (event: PointerEvent) => (this.point(event), this.pick()),
    onfocus: () => this.read(this.index),
  });
  readonly element = h("figure", {}, this.frame, this.reading);
  private readonly cursor = s("line", { class: "cursor", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom });
  private chart: Chart | null = null;
  private index = 0;
  private width = 0;

  constructor() {
    new ResizeObserver(() => {
      if (this.chart && this.frame.clientWidth !== this.width) this.paint();
    }).observe(this.frame);
  }

  draw(chart: Chart): void {
    this.chart = chart;
    this.index = Math.min(this.index, Math.max(0, this.count - 1));
    this.paint();
  }

  private get count(): number {
    return this.chart?.lines[0]?.values.length ?? 0;
  }

  private get last(): number {
    return Math.max(1, this.chart?.at.at(-1) ?? 1);
  }

  /** The point of a value, by its index. */
  private x(index: number): number {
    return this.place(this.chart!.at[index] ?? 0);
  }

  private place(at: number): number {
    return linear([0, this.last], [MARGIN.left, this.width - MARGIN.right])(at);
  }

  private paint(): void {
    const chart = this.chart!;
    this.width = this.frame.clientWidth;
    if (this.width < 50) return;
    const known = chart.lines.flatMap(({ values }) => values.filter((value): value is number => value !== null));
    const most = Math.max(1, ...[known, chart.levels.map(({ value }) => value)].map((one) => one.reduce((a, b) => Math.max(a, b), 0)));
    const marks = chart.logarithmic ? powers(most) : ticks(most, 5, chart.binary ? 1024 : 10);
    const plain = linear(chart.logarithmic ? [0, Math.log(marks.at(-1)!)] : [0, marks.at(-1)!], [HEIGHT - MARGIN.bottom, MARGIN.top]);
    const y = chart.logarithmic ? (value: number): number => plain(Math.log(Math.max(1, value))) : plain;
    const picture = s(
      "svg",
      { width: this.width, height: HEIGHT, viewBox: `0 0 ${this.width} ${HEIGHT}`, "aria-hidden": "true" },
      ...marks.map((value) => this.grid(value, y(value))),
      ...this.numbers(),
      s("text", { class: "axis", x: this.width - MARGIN.right, y: HEIGHT - 6, "text-anchor": "end" }, chart.x),
      s("text", { class: "axis", x: 4, y: 0, transform: `translate(12 ${HEIGHT - MARGIN.bottom}) rotate(-90)` }, chart.y),
      ...chart.levels.map(({ value, label }) => this.level(y(value), label)),
      ...chart.lines.flatMap((line) => this.line(line, y)),
      chart.mark ? this.mark(chart, y) : null,
      this.cursor,
    );
    show(this.frame, picture);
    this.frame.setAttribute("aria-label", chart.label);
    this.frame.setAttribute("aria-valuemax", String(this.count));
    this.cursor.setAttribute("visibility", "hidden");
    say(this.reading, chart.mark ? chart.mark.text : "Point at the picture, or use the arrow keys, to read it.");
    this.describe();
  }

  private grid(value: number, y: number): SVGElement {
    return s(
      "g",
      {},
      s("line", { class: "grid", x1: MARGIN.left, x2: this.width - MARGIN.right, y1: y, y2: y }),
      s("text", { x: MARGIN.left - 6, y: y + 4, "text-anchor": "end" }, this.chart!.tick(value)),
    );
  }

  private numbers(): SVGElement[] {
    const found = ticks(this.last, Math.max(2, Math.floor(this.width / 110))).filter((value) => value <= this.last && Number.isInteger(value));
    return found.map((value) => s("text", { x: this.place(value ? value - 1 : 0), y: HEIGHT - MARGIN.bottom + 15, "text-anchor": "middle" }, (value || 1).toLocaleString("en")));
  }

  private level(y: number, label: string): SVGElement {
    return s(
      "g",
      { class: "level" },
      s("line", { x1: MARGIN.left, x2: this.width - MARGIN.right, y1: y, y2: y }),
      s("text", { x: MARGIN.left + 6, y: y - 4 }, label),
    );
  }

  private line({ values, style }: Line, y: (value: number) => number): SVGElement[] {
    const numbers = values.map((value) => value ?? 0);
    let path = "";
    let isDown = false;
    for (const index of thinned(numbers, MOST_POINTS)) {
      const value = values[index];
      if (value === null || value === undefined) {
        isDown = false;
        continue;
      }
      path += `${isDown ? "L" : "M"}${this.x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      isDown = true;
    }
    const base = HEIGHT - MARGIN.bottom;
    const area = `M${this.x(0)} ${base}L${path.slice(1)}L${this.x(values.length - 1)} ${base}Z`;
    return [
      ...(this.chart!.filled && values.length > 1 && values.every((value) => value !== null) ? [s("path", { class: "area", d: area })] : []),
      ...(values.length === 1 && path ? [s("circle", { class: "dot", cx: this.x(0), cy: y(numbers[0]!), r: 3 })] : []),
      s("path", { class: `curve s${style}`, d: path || "M0 0" }),
    ];
  }

  private mark(chart: Chart, y: (value: number) => number): SVGElement {
    const { index } = chart.mark!;
    const [x, top] = [this.x(index), y(chart.lines[0]!.values[index] ?? 0)];
    const isRight = x > this.width / 2;
    return s(
      "g",
      { class: "mark" },
      s("line", { x1: x, x2: x, y1: top, y2: HEIGHT - MARGIN.bottom }),
      s("circle", { cx: x, cy: top, r: 4.5 }),
      s("text", { x: isRight ? x - 9 : x + 9, y: Math.max(11, top - 5), "text-anchor": isRight ? "end" : "start" }, "peak"),
    );
  }

  private point(event: PointerEvent): void {
    if (!this.chart || !this.count) return;
    const at = event.clientX - this.frame.getBoundingClientRect().left;
    const share = (at - MARGIN.left) / Math.max(1, this.width - MARGIN.right - MARGIN.left);
    this.read(nearest(this.chart.at, share * this.last));
  }

  private key(event: KeyboardEvent): void {
    const last = this.count - 1;
    const step = Math.max(1, Math.round(this.count / 20));
    const next = {
      ArrowRight: this.index + 1, ArrowUp: this.index + 1, ArrowLeft: this.index - 1, ArrowDown: this.index - 1,
      PageUp: this.index + step, PageDown: this.index - step, Home: 0, End: last,
    }[event.key];
    if (event.key === "Enter") this.pick();
    else if (next !== undefined) this.read(next);
    else return;
    event.preventDefault();
  }

  private read(index: number): void {
    if (!this.chart || !this.count) return;
    this.index = Math.min(this.count - 1, Math.max(0, index));
    const x = this.x(this.index);
    this.cursor.setAttribute("visibility", "visible");
    for (const name of ["x1", "x2"]) this.cursor.setAttribute(name, String(x));
    say(this.reading, this.chart.read(this.index));
    this.describe();
  }

  private describe(): void {
    this.frame.setAttribute("aria-valuenow", String(this.index + 1));
    this.frame.setAttribute("aria-valuetext", this.count ? this.chart!.read(this.index) : "nothing");
  }

  private pick(): void {
    if (this.chart && this.count) this.chart.pick(this.index);
  }
}

/** The index of the value that is nearest to another, in ascending ones. */
export function nearest(values: readonly number[], wanted: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - values[low - 1]! < values[low]! - wanted ? low - 1 : low;
}

/** 1, 2, 4, ... or 1, 10, 100, ... up to a value, few of them. */
function powers(most: number): number[] {
  const base = most > 1000 ? 10 : most > 60 ? 4 : 2;
  const found = [1];
  while (found.at(-1)! < most) found.push(found.at(-1)! * base);
  return found;
}
