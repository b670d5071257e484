/** The table of layers. Only the rows in sight are made, so that ten thousand layers scroll like ten. */

import { h, show } from "../dom";
import { counted } from "../number";
import type { Config, Layers, Row } from "../protocol";
import { type Order, sorted, turned } from "../sort";
import type { State } from "../store";
import { type Actions, NOTHING, type Panel } from "./panel";

const HEIGHT = 25;
const SPARE = 12;

export class LayerTable implements Panel {
  readonly id = "layers";
  readonly title = "Layers";
  private readonly note = h("p", { class: "note" });
  private readonly head = h("thead");
  private readonly body = h("tbody");
  private readonly table = h("table", { class: "layers", "aria-label": "Layers" }, this.head, this.body);
  private readonly scroll = h("div", { class: "scroll tall", onscroll: () => this.rows(), onkeydown: (event: KeyboardEvent) => this.walk(event) }, this.table);
  readonly element = h("div", {}, this.note, this.scroll);
  /** As they came with the numbers. */
  private source: Layers | null = null;
  /** With the rows that came after. */
  private layers: Layers | null = null;
  private order: Order = { column: null, direction: "ascending" };
  private indices: number[] = [];
  /** That the rows are of. */
  private config: Config | null = null;
  /** Whether further rows have been asked for. */
  private isComing = false;
  /** Position of the row that Tab leads to. */
  private current = 0;

  /**
   * @param more asks for the rows from one of them on.
   */
  constructor(
    private readonly actions: Actions,
    private readonly more: (config: Config, from: number) => Promise<Layers | null>,
  ) {
    new ResizeObserver(() => this.rows()).observe(this.scroll);
  }

  draw({ good, shown }: Readonly<State>): void {
    this.scroll.hidden = good === null;
    if (!good) {
      show(this.note, NOTHING);
      return;
    }
    if (good.layers === this.source) return;
    this.source = good.layers;
    const columns = JSON.stringify(this.layers?.columns);
    this.layers = good.layers;
    this.config = shown;
    this.isComing = false;
    this.tell();
    if (JSON.stringify(good.layers.columns) !== columns) this.heads();
    this.arrange();
  }

  private tell(): void {
    const { rows, left_out: left = 0 } = this.layers!;
    const coming = left ? ` (${left.toLocaleString("en")} of them ${this.isComing ? "on their way" : "come as you scroll or sort"})` : "";
    show(this.note, `${counted(rows.length + left, "layer")}${coming}. A name leads to its line; a heading sorts.`);
  }

  /** The rows behind those that came with the numbers, until the text is another one. */
  private async fetch(): Promise<void> {
    if (this.isComing || !this.layers?.left_out || !this.config) return;
    this.isComing = true;
    this.tell();
    const first = this.source;
    while (this.layers.left_out) {
      const next: Layers | null = await this.more(this.config, this.layers.rows.length).catch(() => null);
      if (this.source !== first || !next?.rows.length) return;
      this.layers = { ...this.layers, rows: [...this.layers.rows, ...next.rows], left_out: next.left_out ?? 0 };
      this.tell();
      this.arrange();
    }
  }

  private heads(): void {
    const head = (label: string, column: number, numeric: boolean): HTMLElement =>
      h(
        "th",
        { scope: "col", class: numeric ? "number" : null, "aria-sort": this.order.column === column ? this.order.direction : "none" },
        h("button", { type: "button", onclick: () => this.sort(column) }, label),
      );
    const { columns } = this.layers!;
    show(this.head, h("tr", {}, head("layer", -1, false), ...columns.map(({ label, numeric }, index) => head(label, index, numeric))));
  }

  private sort(column: number): void {
    this.order = turned(this.order, column);
    [...this.head.querySelectorAll("th")].forEach((cell, index) => {
      cell.setAttribute("aria-sort", index - 1 === this.order.column ? this.order.direction : "none");
    });
    this.scroll.scrollTop = 0;
    this.current = 0;
    this.arrange();
  }

  private arrange(): void {
    this.indices = sorted(this.layers!.rows, this.order);
    this.current = Math.min(this.current, Math.max(0, this.indices.length - 1));
    this.rows();
  }

  private rows(): void {
    if (!this.layers || this.scroll.clientHeight === 0) return;
    const count = this.indices.length;
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / HEIGHT) - SPARE);
    const last = Math.min(count, Math.ceil((this.scroll.scrollTop + this.scroll.clientHeight) / HEIGHT) + SPARE);
    if (last > count - SPARE || this.order.column !== null) void this.fetch();
    const hadFocus = this.body.matches(":focus-within");
    const columns = this.layers.columns.length + 1;
    const space = (rows: number): HTMLElement | null => {
      if (rows <= 0) return null;
      const cell = h("td", { colspan: columns });
      cell.style.height = `${rows * HEIGHT}px`;
      return h("tr", { class: "space", "aria-hidden": "true" }, cell);
    };
    this.table.setAttribute("aria-rowcount", String(count + 1));
    const tabbable = Math.min(Math.max(this.current, first), Math.max(first, last - 1));
    const shown = this.indices.slice(first, last).map((index, at) => this.row(this.layers!.rows[index]!, first + at, first + at === tabbable));
    show(this.body, space(first), ...shown, space(count - last));
    if (hadFocus) this.body.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: true });
  }

  private row(row: Row, position: number, isTabbable: boolean): HTMLElement {
    const { line } = row;
    const index = isTabbable ? 0 : -1;
    const name =
      line === null
        ? h("span", { class: "row-name", tabindex: index, "data-row": position, title: "not of this text" }, row.name)
        : h(
            "button",
            {
              type: "button", class: "row-name", tabindex: index, "data-row": position, title: `${row.name}: line ${line + 1}`,
              onclick: () => ((this.current = position), this.actions.goTo(line)),
            },
            row.name,
          );
    const cells = row.cells.map((cell, column) =>
      h("td", { class: this.layers!.columns[column]?.numeric ? "number" : null, title: cell.text.length > 22 ? cell.text : null }, cell.text),
    );
    return h("tr", { "aria-rowindex": position + 2 }, h("th", { scope: "row" }, name), ...cells);
  }

  /** Arrow keys go from row to row: one stop for Tab, whatever the number of layers. */
  private walk(event: KeyboardEvent): void {
    const at = (event.target as HTMLElement).dataset["row"];
    if (at === undefined) return;
    const [here, last] = [Number(at), this.indices.length - 1];
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / HEIGHT) - 2);
    const next = { ArrowDown: here + 1, ArrowUp: here - 1, PageDown: here + page, PageUp: here - page, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.current = Math.min(last, Math.max(0, next));
    const top = this.current * HEIGHT;
    const head = this.head.offsetHeight;
    if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
    else if (top + HEIGHT + head > this.scroll.scrollTop + this.scroll.clientHeight) {
      this.scroll.scrollTop = top + HEIGHT + head - this.scroll.clientHeight;
    }
    this.rows();
    this.body.querySelector<HTMLElement>(`[data-row="${this.current}"]`)?.focus({ preventScroll: true });
  }
}
