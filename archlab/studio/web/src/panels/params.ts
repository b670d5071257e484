/** The config's params: a slider and a number each, without a change of the text. */

import { type Child, h, say } from "../dom";
import type { Param, Settings, Value } from "../protocol";
import { isWhole, type State } from "../store";
import type { Actions } from "./panel";

type Control = { name: string; key: string; element: HTMLElement; take(param: Param): void };

/** Where a slider ends, where archlab does not say: far enough to try, round, and with the value in it. */
export function extent(param: Param): { low: number; high: number; step: number } {
  const known = [param.value, param.default].filter((value): value is number => typeof value === "number");
  const most = Math.max(1, ...known.map(Math.abs));
  const step = param.step ?? (param.kind === "int" ? 1 : 10 ** Math.floor(Math.log10(most) - 1));
  const low = Math.min(param.low ?? Math.min(0, ...known), ...known);
  const high = Math.max(param.high ?? 2 ** Math.ceil(Math.log2(most) + 1), ...known);
  return { low, high, step };
}

/** The settings with one more; a value as the text has it is none. */
export function withValue(set: Settings, param: Param, value: Value): Settings {
  const { [param.name]: _, ...others } = set;
  return value === param.default ? others : { ...others, [param.name]: value };
}

export class Params {
  private readonly fields = h("div", { class: "fields" });
  private readonly reset = h("button", { type: "button", onclick: () => this.actions.choose({ set: {} }) }, "as in the text");
  private readonly count = h("span", { class: "note" });
  readonly element = h(
    "details",
    { class: "params", open: true },
    h("summary", {}, "Params ", this.count),
    this.fields,
    this.reset,
  );
  private controls: Control[] = [];
  private set: Settings = {};

  constructor(private readonly actions: Actions) {}

  draw({ check, config }: Readonly<State>): void {
    const isKept = check !== null && !isWhole(check) && !check.params?.length; // nothing is known of a text that is no YAML
    const params = isKept ? undefined : check?.params;
    this.set = config.set;
    if (params) {
      const shape = params.map(keyOf).join("\n");
      if (shape !== this.controls.map(({ key }) => key).join("\n")) {
        this.controls = params.map((param) => this.control(param));
        this.fields.replaceChildren(...this.controls.map(({ element }) => element));
      }
      params.forEach((param, index) => this.controls[index]!.take({ ...param, value: config.set[param.name] ?? param.value }));
      this.element.hidden = params.length === 0;
    } else if (!this.controls.length) this.element.hidden = true;
    const changed = Object.keys(config.set).length;
    this.reset.hidden = changed === 0;
    say(this.count, changed ? `(${changed} changed here, not in the text)` : "");
  }

  private control(param: Param): Control {
    let now = param;
    const id = `param-${param.name}`;
    const give = (value: Value): void => this.actions.choose({ set: withValue(this.set, now, value) });
    const label = h("label", { for: id }, ...breakable(param.name));
    const inputs = this.inputs(param, id, give);
    const element = h("div", { class: "field" }, label, ...inputs.elements);
    return {
      name: param.name,
      key: keyOf(param),
      element,
      take(next) {
        now = next;
        inputs.take(next.value);
        element.classList.toggle("changed", next.value !== next.default);
      },
    };
  }

  private inputs(param: Param, id: string, give: (value: Value) => void): { elements: HTMLElement[]; take(value: Value): void } {
    const { kind, choices } = param;
    if (kind === "bool") {
      const box = h("input", { type: "checkbox", id, onchange: () => give(box.checked) });
      return { elements: [box], take: (value) => void (box.checked = value === true) };
    }
    if (kind === "int" || kind === "float") return numeric(param, id, give);
    if (kind === "str" && choices && choices.length > 1) {
      const values = [...new Set([...choices, param.default, param.value].map(String))];
      const select = h("select", { id, onchange: () => give(select.value) }, ...values.map((value) => h("option", { value }, value)));
      return { elements: [select], take: (value) => void (select.value = String(value)) };
    }
    const input = h("input", { type: "text", id, autocomplete: "off", readonly: kind === "other", onchange: () => give(input.value) });
    return { elements: [input], take: (value) => void (!isFocused(input) && (input.value = told(value))) };
  }
}

/** A name that may be broken behind its underscores. */
function breakable(name: string): Child[] {
  return name.split(/(?<=_)/).flatMap((part, index) => (index ? [h("wbr"), part] : [part]));
}

/** Also in a shadow root, of which the document knows no more than its host. */
function isFocused(element: Element): boolean {
  return element.matches(":focus");
}

function told(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What of a param its control is made of; another value alone makes no new one. */
function keyOf(param: Param): string {
  const { name, kind, low, high, step, choices, default: own } = param;
  return JSON.stringify([name, kind, low, high, step, choices, own]);
}

function numeric(param: Param, id: string, give: (value: Value) => void): { elements: HTMLElement[]; take(value: Value): void } {
  const { low, high, step } = extent(param);
  const read = (text: string): void => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value)) give(param.kind === "int" ? Math.round(value) : value);
  };
  const slider = h("input", {
    type: "range", min: low, max: high, step, "aria-label": `${param.name}, slider`, oninput: () => read(slider.value),
  });
  const input = h("input", { type: "number", id, step: param.kind === "int" ? 1 : "any", oninput: () => read(input.value) });
  return {
    elements: [slider, input],
    take(value) {
      if (!isFocused(slider)) slider.value = String(value);
      if (!isFocused(input) || Number(input.value) !== value) input.value = String(value);
    },
  };
}
