/** Panels as tabs: arrow keys go from one to the next, only the one that is open is drawn. */

import { h } from "../dom";
import type { State } from "../store";
import type { Panel } from "./panel";

export class Tabs {
  readonly element: HTMLElement;
  private open = 0;
  private state: Readonly<State> | null = null;
  private readonly tabs: HTMLButtonElement[];
  private readonly bodies: HTMLElement[];

  constructor(private readonly panels: readonly Panel[]) {
    this.tabs = panels.map(({ id, title }, index) =>
      h(
        "button",
        { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}`, onclick: () => this.show(index) },
        title,
      ),
    );
    this.bodies = panels.map(({ id, element }) =>
      h("div", { role: "tabpanel", id: `panel-${id}`, class: "panel", "aria-labelledby": `tab-${id}` }, element),
    );
    const list = h("div", { role: "tablist", class: "tabs", "aria-label": "What is shown", onkeydown: this.turn }, ...this.tabs);
    this.element = h("section", { class: "tabbed", "aria-label": "Panels" }, list, ...this.bodies);
    this.mark();
  }

  private readonly turn = (event: KeyboardEvent): void => {
    const last = this.tabs.length - 1;
    const next = { ArrowRight: this.open + 1, ArrowLeft: this.open - 1, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.show(next > last ? 0 : next < 0 ? last : next);
    this.tabs[this.open]!.focus();
  };

  private mark(): void {
    this.tabs.forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(index === this.open));
      tab.tabIndex = index === this.open ? 0 : -1;
      this.bodies[index]!.hidden = index !== this.open;
    });
  }

  show(index: number): void {
    this.open = index;
    this.mark();
    this.tabs[index]!.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (this.state) this.panels[index]!.draw(this.state);
  }

  showById(id: string): void {
    this.show(this.panels.findIndex((panel) => panel.id === id));
  }

  draw(state: Readonly<State>): void {
    this.state = state;
    this.element.classList.toggle("stale", state.isStale && state.good !== null);
    this.panels[this.open]!.draw(state);
  }
}
