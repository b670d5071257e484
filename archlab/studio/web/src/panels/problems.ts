/** The problems of the text below it, with what mends them. */

import { h, say, show } from "../dom";
import { counted } from "../number";
import type { Fix, Problem } from "../protocol";
import { words } from "../editor/problems";

const MOST = 100;
const WORDS = { error: "problem", warning: "warning", info: "note", hint: "note" } as const;
const SIGNS = { error: "✗", warning: "!", info: "i", hint: "i" } as const;

export class ProblemList {
  private readonly summary = h("span", { role: "status", "aria-live": "polite" }, "");
  private readonly list = h("ul", {});
  readonly element = h("details", { class: "problems", open: true }, h("summary", {}, this.summary), this.list);
  private drawn: readonly Problem[] | null = null;

  constructor(
    private readonly goTo: (line: number, column: number) => void,
    private readonly apply: (fix: Fix) => void,
  ) {}

  draw(problems: readonly Problem[]): void {
    if (problems === this.drawn) return;
    this.drawn = problems;
    const counts = (["error", "warning", "info"] as const)
      .map((severity) => [severity, problems.filter((one) => one.severity === severity).length] as const)
      .filter(([, count]) => count > 0)
      .map(([severity, count]) => counted(count, WORDS[severity]));
    say(this.summary, counts.join(", ") || "No problems");
    this.element.classList.toggle("none", problems.length === 0);
    const more = problems.length - MOST;
    show(
      this.list,
      ...problems.slice(0, MOST).map((problem) => this.item(problem)),
      more > 0 ? h("li", {}, `and ${more} more`) : null,
    );
  }

  private item(problem: Problem): HTMLElement {
    const { severity, line, column, code, page, fixes = [], related = [] } = problem;
    const place = h("button", { type: "button", class: "place", onclick: () => this.goTo(line, column) }, `${line + 1}:${column + 1}`);
    return h(
      "li",
      { class: severity },
      h("span", { class: "sign", "aria-label": WORDS[severity] }, SIGNS[severity]),
      place,
      h("span", { class: "message" }, words(problem), " ", h("code", { class: "code" }, `[${code}]`), ...link(page)),
      ...fixes.map((fix) => h("button", { type: "button", class: "fix", onclick: () => this.apply(fix) }, fix.title)),
      ...related.map((one) =>
        h("div", { class: "related" }, one.line === null ? one.message : h("button", { type: "button", class: "place", onclick: () => this.goTo(one.line!, 0) }, one.message)),
      ),
    );
  }
}

function link(page: string | null | undefined): (Node | string)[] {
  if (!page || !/^https?:\/\//.test(page)) return [];
  return [" ", h("a", { href: page, target: "_blank", rel: "noopener noreferrer" }, "why")];
}
