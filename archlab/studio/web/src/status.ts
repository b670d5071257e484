/** What is going on: loading, waiting, what went wrong, how long the last answer took. */

import { h, say } from "./dom";

export class Status {
  private readonly text = h("span", { role: "status", "aria-live": "polite" });
  private readonly bar = h("progress", { max: 1, hidden: true, "aria-label": "loading" });
  private readonly stop = h("button", { type: "button", hidden: true }, "Stop");
  private readonly offered = h("button", { type: "button", hidden: true });
  private readonly line = h("span", { class: "line-numbers" });
  private readonly time = h("span", { class: "time" });
  private readonly help = h("span", { id: "editor-help" }, "Escape, then Tab leaves the editor.");
  readonly element = h("footer", { class: "status" }, this.bar, this.text, this.offered, this.stop, this.line, this.help, this.time);

  constructor(onstop: () => void) {
    this.stop.addEventListener("click", onstop);
  }

  say(text: string, isBad = false): void {
    this.offered.hidden = true;
    say(this.text, text);
    this.text.classList.toggle("bad", isBad);
  }

  /** Says what went wrong, with a button that does something about it. */
  offer(text: string, label: string, run: () => void): void {
    this.say(text, true);
    say(this.offered, label);
    this.offered.hidden = false;
    this.offered.onclick = () => {
      this.say("");
      run();
    };
  }

  progress(text: string, share: number | null): void {
    this.say(text);
    this.bar.hidden = false;
    if (share === null) this.bar.removeAttribute("value");
    else this.bar.value = share;
  }

  done(): void {
    this.bar.hidden = true;
    this.say("");
  }

  waiting(isLong: boolean): void {
    this.stop.hidden = !isLong;
    if (isLong) this.say("still being worked out …");
  }

  lineNumbers(line: number, numbers: string): void {
    say(this.line, numbers ? `line ${line}: ${numbers}` : `line ${line}`);
  }

  times(analysis: number | undefined, answer: number, redraw: number): void {
    const parts = [analysis === undefined ? null : `analysis ${analysis.toFixed(0)}`, `answer ${answer.toFixed(0)}`, `redraw ${redraw.toFixed(0)} ms`];
    say(this.time, parts.filter(Boolean).join(", "));
  }
}
