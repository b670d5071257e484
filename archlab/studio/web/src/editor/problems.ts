/** What is wrong with the text, as CodeMirror's diagnostics: placed, with what to write instead, and fixes. */

import { type Diagnostic, forEachDiagnostic, linter, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { type EditorState, type Extension, Prec } from "@codemirror/state";
import { type EditorView, keymap } from "@codemirror/view";
import { h } from "../dom";
import type { Fix, Problem } from "../protocol";
import { changes, range } from "./places";

const SEVERITIES = { error: "error", warning: "warning", info: "info", hint: "info" } as const;
const MOST = 1000;

export function apply(view: EditorView, fix: Fix): void {
  view.dispatch({ changes: changes(view.state.doc, fix.edits), userEvent: "input.fix", scrollIntoView: true });
}

export function words(problem: Problem): string {
  return problem.hint && !problem.message.includes(problem.hint) ? `${problem.message}; ${problem.hint}` : problem.message;
}

function message(problem: Problem): Node {
  return h(
    "div",
    { class: "cm-archlab-problem" },
    h("div", {}, words(problem)),
    ...(problem.related ?? []).map((one) => h("div", { class: "cm-archlab-related" }, one.message)),
    h("div", { class: "cm-archlab-related" }, `[${problem.code}]`),
  );
}

function diagnostic(problem: Problem, state: EditorState): Diagnostic {
  const { from, to } = range(state.doc, problem);
  return {
    from,
    to: to > from ? to : Math.min(from + 1, state.doc.lineAt(from).to),
    severity: SEVERITIES[problem.severity] ?? "error",
    source: problem.code,
    message: words(problem),
    renderMessage: () => message(problem),
    actions: (problem.fixes ?? []).map((fix) => ({ name: fix.title, apply: (view) => apply(view, fix) })),
  };
}

/** Shows problems in place of those before; the text must be the one that they are of. */
export function showProblems(view: EditorView, problems: readonly Problem[]): void {
  const found = problems.slice(0, MOST).map((problem) => diagnostic(problem, view.state));
  view.dispatch(setDiagnostics(view.state, found));
}

/** Applies the first fix of a problem that the cursor's line has. */
function fixHere(view: EditorView): boolean {
  const line = view.state.doc.lineAt(view.state.selection.main.head);
  let found: (() => void) | null = null;
  forEachDiagnostic(view.state, ({ actions }, from, to) => {
    const action = actions?.[0];
    if (!found && action && from <= line.to && to >= line.from) found = () => action.apply(view, from, to);
  });
  if (found) (found as () => void)();
  return found !== null;
}

export const problems: Extension = [
  linter(null),
  lintGutter(),
  Prec.high(keymap.of([{ key: "Mod-.", run: fixHere }])),
  keymap.of(lintKeymap),
];
