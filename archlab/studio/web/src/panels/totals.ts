/** The network's totals and its budgets, always in sight. */

import { h, say, show } from "../dom";
import type { State } from "../store";

/** Milliseconds without a change after which a screen reader is told. */
const CALM = 1200;
const TOLD = 4;

export class Totals {
  private readonly heading = h("h2", { class: "name" });
  private readonly mark = h("span", { class: "mark" });
  private readonly list = h("dl", { class: "totals" });
  private readonly budgets = h("ul", { class: "budgets", "aria-label": "Budgets" });
  private readonly spoken = h("p", { class: "spoken", role: "status", "aria-live": "polite" });
  readonly element = h(
    "section",
    { class: "overview", "aria-label": "Totals" },
    h("div", { class: "headline" }, this.heading, this.mark),
    this.list,
    this.budgets,
    this.spoken,
  );
  private timer = 0;
  private drawn: unknown = null;

  draw(state: Readonly<State>): void {
    const { good } = state;
    this.element.classList.toggle("stale", state.isStale && good !== null);
    say(this.mark, state.isStale && good ? "earlier numbers: the text has problems" : "");
    if (good !== this.drawn && good) {
      say(this.heading, good.name);
      show(this.list, ...good.totals.map((total) => h("div", { "data-key": total.key }, h("dt", {}, total.label), h("dd", { title: total.exact ?? null }, total.text))));
      show(
        this.budgets,
        ...good.budgets.map(({ text, met }) =>
          h("li", { class: met ? "met" : "broken" }, h("strong", {}, met ? "✓ met" : "✗ not met"), ` ${text}`),
        ),
      );
      this.budgets.hidden = good.budgets.length === 0;
    }
    if (!good) say(this.heading, state.check ? "no numbers yet" : "…");
    this.drawn = good;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.tell(state), CALM);
  }

  private tell({ good, isStale, problems }: Readonly<State>): void {
    if (isStale || !good) {
      const errors = problems.filter((problem) => problem.severity === "error").length;
      say(this.spoken, errors ? `${errors} ${errors === 1 ? "problem" : "problems"}: ${problems[0]!.message}` : "");
      return;
    }
    const broken = good.budgets.filter((budget) => !budget.met).length;
    const totals = good.totals.slice(0, TOLD).map(({ label, text }) => `${label} ${text}`);
    say(this.spoken, [good.name, ...totals, ...(broken ? [`${broken} budgets not met`] : [])].join(", "));
  }
}
