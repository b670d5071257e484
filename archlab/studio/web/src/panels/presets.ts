/** Networks to start from, with their variants. */

import { h, say, show } from "../dom";
import type { Preset } from "../protocol";
import type { State } from "../store";
import type { Actions, Panel } from "./panel";

/** Those in which each word is found: in the name, a variant, the family or the summary. */
export function matching(presets: readonly Preset[], words: string): Preset[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return presets.filter(({ name, summary, family, variants }) => {
    const text = [name, summary, family, ...variants].join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

export class Presets implements Panel {
  readonly id = "presets";
  readonly title = "Start from";
  private readonly filter = h("input", {
    type: "search", id: "preset-filter", placeholder: "a part of a name", autocomplete: "off", spellcheck: "false", oninput: () => this.list(),
  });
  private readonly count = h("output", { for: "preset-filter", class: "note" });
  private readonly found = h("ul", { class: "presets" });
  readonly element = h(
    "div",
    {},
    h("p", { class: "note" }, "A network takes the place of the text in the editor; undo (Ctrl+Z) brings that back."),
    h("p", { class: "controls" }, h("label", { for: "preset-filter" }, "filter "), this.filter, " ", this.count),
    this.found,
  );
  private presets: readonly Preset[] = [];

  constructor(private readonly actions: Actions) {}

  give(presets: readonly Preset[]): void {
    this.presets = presets;
    this.list();
  }

  draw(_state: Readonly<State>): void {}

  private list(): void {
    const found = matching(this.presets, this.filter.value);
    say(this.count, `${found.length} of ${this.presets.length}`);
    show(this.found, ...found.map((preset) => this.item(preset)));
  }

  private item({ name, summary, family, variants }: Preset): HTMLElement {
    const start = (label: string, variant: string): HTMLElement =>
      h("button", { type: "button", class: variant ? "variant" : "preset", onclick: () => this.actions.begin(name, variant) }, label);
    return h(
      "li",
      {},
      start(name, ""),
      family && family !== name ? h("span", { class: "note" }, ` ${family}`) : null,
      summary ? h("p", {}, summary) : null,
      variants.length ? h("p", { class: "variants", role: "group", "aria-label": `variants of ${name}` }, ...variants.map((variant) => start(variant, variant))) : null,
    );
  }
}
