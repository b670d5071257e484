/** How the receptive field grows along the network, and what one unit sees. */

import { ChartView } from "../draw/chart";
import { drawField, told } from "../draw/field";
import { h, say, show } from "../dom";
import { Latest } from "../latest";
import type { Config, FieldPicture, Growth, Numbers } from "../protocol";
import type { State } from "../store";
import { type Actions, NOTHING, type Panel } from "./panel";

/** Ratio of the largest field to the input from which on the axis is logarithmic (as in archlab plot). */
const LOG_FROM = 40;
const MOST_OPTIONS = 3000;
const OWN = "";

type Ask = (request: Config & { layer?: string }) => Promise<FieldPicture>;

export class Receptive implements Panel {
  readonly id = "field";
  readonly title = "Receptive field";
  private readonly note = h("p", { class: "note" });
  private readonly chart = new ChartView();
  private readonly key = h("ul", { class: "legend" });
  private readonly select = h("select", { id: "field-layer", onchange: () => this.want() });
  private readonly picture = h("div", { class: "picture" });
  private readonly facts = h("ul", { class: "facts" });
  private readonly body = h(
    "div",
    {},
    h("h3", {}, "Growth along the network"),
    this.chart.element,
    this.key,
    h("h3", {}, "What one unit sees"),
    h("p", { class: "controls" }, h("label", { for: "field-layer" }, "the middle unit behind "), this.select),
    this.picture,
    this.facts,
  );
  readonly element = h("div", {}, this.note, this.body);
  private readonly asking: Latest<Config & { layer?: string }, FieldPicture>;
  private state: Readonly<State> | null = null;
  private drawn: unknown = null;
  private shown: FieldPicture | null = null;

  constructor(
    private readonly actions: Actions,
    ask: Ask,
  ) {
    this.asking = new Latest(ask, (answer) => this.show(answer), (error) => show(this.facts, h("li", {}, String((error as Error).message))), 120);
    new ResizeObserver(() => this.paint()).observe(this.picture);
  }

  draw(state: Readonly<State>): void {
    this.state = state;
    const { good } = state;
    this.body.hidden = good === null;
    if (!good) {
      show(this.note, NOTHING);
      return;
    }
    if (good === this.drawn) return;
    this.drawn = good;
    say(this.note, good.growth_left_out ? `${good.growth_left_out.toLocaleString("en")} more layers are left out.` : "");
    this.grow(good);
    this.want();
  }

  private grow(good: Numbers): void {
    const { growth } = good;
    const axes = good.axes ?? growth.find((one) => one.receptive_field)?.receptive_field?.map((_, axis) => `axis ${axis + 1}`) ?? [];
    const sizes = (good.input ?? []).slice(1);
    const lines = axes.map((name, axis) => ({ name, style: axis, values: growth.map((one) => one.receptive_field?.[axis] ?? null) }));
    const most = lines.flatMap(({ values }) => values).reduce<number>((a, b) => Math.max(a, b ?? 0), 1);
    const isLog = sizes.length > 0 && most > LOG_FROM * Math.max(...sizes);
    const same = sizes.every((size) => size === sizes[0]);
    const levels = (same ? sizes.slice(0, 1) : sizes).map((value, axis) => ({ value, label: same ? `input, ${value}` : `input's ${axes[axis]}, ${value}` }));
    this.chart.draw({
      label: `Receptive field of each of ${growth.length} layers, in positions of the input`,
      x: "layer, in order",
      y: isLog ? "receptive field, pixels (log)" : "receptive field, pixels",
      at: growth.map((one, index) => one.at ?? index),
      lines, levels, logarithmic: isLog,
      tick: (value) => value.toLocaleString("en"),
      read: (index) => read(growth[index]!, axes),
      pick: (index) => this.go(growth[index]!),
    });
    const legend = axes.length > 1 ? lines.map(({ name, style }) => h("li", {}, h("span", { class: `swatch s${style}`, "aria-hidden": "true" }), name)) : [];
    show(this.key, ...legend);
  }

  private go({ line }: Growth): void {
    if (line !== null) this.actions.goTo(line);
  }

  private want(): void {
    if (!this.state?.shown) return;
    const layer = this.select.value;
    this.asking.want({ ...this.state.shown, ...(layer === OWN ? {} : { layer }) });
  }

  private show(answer: FieldPicture): void {
    this.shown = answer;
    const chosen = this.select.value;
    const names = answer.layers.slice(0, MOST_OPTIONS);
    const wanted = [OWN, ...names];
    if (wanted.join("\n") !== [...this.select.options].map(({ value }) => value).join("\n")) {
      show(this.select, ...wanted.map((value) => h("option", { value }, value || "the network's result")));
      this.select.value = names.includes(chosen) ? chosen : OWN;
    }
    this.paint();
    const facts = answer.axes.map((axis) => h("li", {}, told(axis), axis.stride === null ? "" : `; stride ${axis.stride}, coverage ${share(axis.coverage)}`));
    show(
      this.facts,
      answer.layer ? h("li", {}, h("strong", {}, answer.layer)) : null,
      ...facts,
      answer.global ? h("li", {}, "It sees the whole input, whatever its size (global).") : null,
      answer.note ? h("li", {}, answer.note) : null,
    );
  }

  private paint(): void {
    if (!this.shown) return;
    const drawn = drawField(this.shown.axes, this.picture.clientWidth);
    show(this.picture, drawn ?? (this.shown.axes.length ? null : h("p", { class: "note" }, "There is no field with positions to draw here.")));
  }
}

function share(value: number | null): string {
  return value === null ? "unknown" : `${(100 * value).toFixed(value < 0.1 ? 1 : 0)}%`;
}

export function read({ name, receptive_field: field, jump, global }: Growth, axes: readonly string[]): string {
  const size = field?.some((one) => one !== null) ? field.map((one) => one?.toLocaleString("en") ?? "all").join(" x ") : null;
  const seen = global ? "sees everything (global)" : size ? `sees ${size}${axes.length ? ` (${axes.join(" x ")})` : ""}` : "field unknown";
  const steps = jump?.some((one) => one !== null) ? `, stride ${jump.map((one) => one ?? "?").join(" x ")}` : "";
  return `${name}: ${seen}${global ? "" : steps}`;
}
