/** Bytes that are alive while a forward pass runs, with its peak. */

import { ChartView } from "../draw/chart";
import { h, show } from "../dom";
import { binary } from "../number";
import type { Holder, Timeline } from "../protocol";
import type { State } from "../store";
import { type Actions, NOTHING, type Panel } from "./panel";

export class Memory implements Panel {
  readonly id = "memory";
  readonly title = "Memory";
  private readonly note = h("p", { class: "note" });
  private readonly chart = new ChartView();
  private readonly parts = h("div", { class: "parts" });
  readonly element = h("div", {}, this.note, this.chart.element, this.parts);
  private drawn: unknown = null;

  constructor(private readonly actions: Actions) {}

  draw({ good }: Readonly<State>): void {
    const moments = good?.timeline.moments ?? [];
    this.chart.element.hidden = this.parts.hidden = !moments.length;
    if (!good) {
      show(this.note, NOTHING);
      return;
    }
    if (good === this.drawn) return;
    this.drawn = good;
    show(this.note, "A forward pass, layer by layer: params, buffers and the activations that are alive. Enter or a click leads to the line.");
    if (moments.length) this.paint(good.timeline);
  }

  private paint({ moments, peak, peak_text: text, parts, holders }: Timeline): void {
    const read = (index: number): string => {
      const { name, bytes } = moments[index]!;
      return `${name}: ${binary(bytes)} (${bytes.toLocaleString("en")} bytes)`;
    };
    this.chart.draw({
      label: `Memory of a forward pass over ${moments.length} moments; the peak is ${read(peak)}`,
      x: "layer, in order",
      y: "bytes alive",
      at: moments.map((moment, index) => moment.at ?? index),
      lines: [{ name: "bytes", values: moments.map(({ bytes }) => bytes), style: 0 }],
      levels: [],
      mark: { index: peak, text: `Peak: ${read(peak)}` },
      filled: true,
      binary: true,
      tick: binary,
      read,
      pick: (index) => {
        const { line } = moments[index]!;
        if (line !== null) this.actions.goTo(line);
      },
    });
    show(
      this.parts,
      h("h3", {}, "At the peak"),
      h("p", { class: "note" }, text),
      h("dl", { class: "totals" }, ...parts.map(({ label, text: told }) => h("div", {}, h("dt", {}, label), h("dd", {}, told)))),
      holders.length ? this.holders(holders) : null,
    );
  }

  private holders(holders: readonly Holder[]): HTMLElement {
    const rows = holders.map(({ layer, bytes, text }) =>
      h("tr", {}, h("th", { scope: "row" }, layer), h("td", { class: "number", title: `${bytes.toLocaleString("en")} bytes` }, text)),
    );
    const head = h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "activations held, made by"), h("th", { scope: "col", class: "number" }, "bytes")));
    return h("div", { class: "scroll" }, h("table", {}, head, h("tbody", {}, ...rows)));
  }
}
