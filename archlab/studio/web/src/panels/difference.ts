/** What has changed since the version that was kept. */

import { h, show } from "../dom";
import { Latest } from "../latest";
import type { Config, Difference } from "../protocol";
import type { State } from "../store";
import { type Actions, type Panel } from "./panel";

type Asked = Config & { kept: Config };

const SIGNS = { added: "+", removed: "−", changed: "~" } as const;

export class Differences implements Panel {
  readonly id = "difference";
  readonly title = "Difference";
  private readonly note = h("p", { class: "note", role: "status" });
  private readonly body = h("div");
  readonly element: HTMLElement;
  private readonly asking: Latest<Asked, Difference>;
  private drawn = "";

  constructor(actions: Actions, ask: (request: Asked) => Promise<Difference>) {
    this.asking = new Latest(ask, (answer, asked) => this.show(answer, asked), (error) => show(this.note, String((error as Error).message)), 80);
    const keep = h("button", { type: "button", onclick: () => actions.keep() }, "Keep this version");
    this.element = h("div", {}, this.note, h("p", { class: "controls" }, keep), this.body);
  }

  draw({ shown, kept }: Readonly<State>): void {
    if (!kept) {
      show(this.note, "Keep a version, change the config, and see here what the change does to every figure.");
      show(this.body);
      this.drawn = "";
      return;
    }
    if (!shown) return;
    const { name: _, ...other } = kept;
    const asked = { ...shown, kept: other };
    const key = JSON.stringify(asked);
    if (key === this.drawn) return;
    this.drawn = key;
    this.asking.want(asked);
  }

  private show(answer: Difference, asked: Asked): void {
    if (answer.problems?.length) {
      const [first] = answer.problems;
      show(this.note, `It cannot be compared: ${typeof first === "string" ? first : first!.message}`);
      show(this.body);
      return;
    }
    const changed = answer.totals.filter((total) => total.change !== "");
    const isSame = !changed.length && !answer.layers.length;
    const rows = answer.totals.map(({ key, label, before, after, change, better }) =>
      h(
        "tr",
        { "data-key": key },
        h("th", { scope: "row" }, label),
        h("td", { class: "number" }, before),
        h("td", { class: "number" }, after),
        h("td", { class: `number ${better === null ? "" : better ? "good" : "bad"}` }, change, better === null ? "" : better ? " better" : " worse"),
      ),
    );
    show(this.note, isSame ? (asked.kept.text === asked.text ? "Nothing has changed since." : "The text has changed, the network has not.") : "");
    const head = ["", "kept", "now", "change"].map((text, index) => h(index ? "th" : "td", { scope: index ? "col" : null, class: index ? "number" : null }, text));
    const layers = answer.layers.map(({ kind, name, text }) =>
      h("li", { class: kind }, h("span", { class: "sign", title: kind }, SIGNS[kind]), h("span", { class: "spoken" }, `${kind}: `), h("code", {}, name), ` ${text}`),
    );
    show(
      this.body,
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Totals, kept and now" }, h("table", { class: "changes" }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows))),
      layers.length ? h("h3", {}, "Layers") : null,
      layers.length ? h("ul", { class: "layer-changes" }, ...layers) : null,
      answer.more ? h("p", { class: "note" }, `${answer.more.toLocaleString("en")} more are not listed.`) : null,
    );
  }
}
