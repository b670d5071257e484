/** The network's diagram, as archlab draws it. As an image it can run no script and ask for nothing. */

import { h, show } from "../dom";
import { Latest } from "../latest";
import type { Config } from "../protocol";
import type { State } from "../store";
import { NOTHING, type Panel } from "./panel";

type Asked = Config & { theme: "light" | "dark" };

export class Diagram implements Panel {
  readonly id = "diagram";
  readonly title = "Diagram";
  private readonly note = h("p", { class: "note", role: "status" });
  private readonly image = h("img", { alt: "" });
  private readonly frame = h("div", { class: "scroll diagram", tabindex: 0, role: "region", "aria-label": "Diagram" }, this.image);
  private readonly fit = h("input", { type: "checkbox", checked: true, onchange: () => this.size() });
  private readonly save = h("a", { class: "button" }, "SVG file");
  private readonly controls = h("p", { class: "controls" }, h("label", {}, this.fit, " as wide as the panel"), this.save);
  readonly element = h("div", {}, this.note, this.controls, this.frame);
  private readonly asking: Latest<Asked, { svg: string }>;
  private address: string | null = null;
  private drawn = "";
  private name = "";

  constructor(ask: (request: Asked) => Promise<{ svg: string }>) {
    this.asking = new Latest(ask, ({ svg }) => this.show(svg), (error) => show(this.note, String((error as Error).message)), 150);
    this.size();
  }

  draw({ good, shown, theme }: Readonly<State>): void {
    this.frame.hidden = this.controls.hidden = this.address === null;
    if (!good) show(this.note, NOTHING);
    if (!good || !shown) return;
    const asked = { ...shown, theme };
    const key = JSON.stringify(asked);
    if (key === this.drawn) return;
    this.drawn = key;
    this.name = good.name;
    if (this.address === null) show(this.note, "is being drawn …");
    this.asking.want(asked);
  }

  private show(svg: string): void {
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    this.image.src = this.address;
    this.image.alt = `Diagram of ${this.name}; its layers are in the table of layers`;
    this.save.href = this.address;
    this.save.download = `${this.name.replace(/[^\w.-]+/g, "_") || "network"}.svg`;
    show(this.note);
    this.frame.hidden = this.controls.hidden = false;
  }

  private size(): void {
    this.frame.classList.toggle("fit", this.fit.checked);
  }
}
