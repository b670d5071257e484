/** The editor: CodeMirror in a shadow root.
 *
 * There its styles are adopted sheets, so that the page's Content-Security-Policy needs no 'unsafe-inline'.
 */

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, Transaction } from "@codemirror/state";
import {
  drawSelection, dropCursor, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap,
  lineNumbers, type Rect, rectangularSelection, tooltips,
} from "@codemirror/view";
import { h } from "../dom";
import type { Check, Fix, Problem } from "../protocol";
import { format, goTo, help, type Helper } from "./help";
import { highlight, look } from "./look";
import { numbers, numbersAt, setNumbers, setStale } from "./numbers";
import { smallest } from "./places";
import { apply, problems, showProblems } from "./problems";

export interface Listeners {
  /** The text has changed, by hand or otherwise. */
  changed(text: string): void;
  /** The cursor is elsewhere, or the numbers are: those of its line. */
  moved(line: number, numbers: string): void;
  save(): void;
}

/** Where tooltips may be: in the window, and in a view in a notebook where it does not cut them off. */
function tooltipSpace(view: EditorView): Rect {
  const { clientWidth, clientHeight } = document.documentElement;
  const box = (view.root as ShadowRoot).host.closest(".studio main")?.getBoundingClientRect();
  if (!box) return { left: 0, top: 0, right: clientWidth, bottom: clientHeight };
  const { left, top, right, bottom } = box;
  return { left: Math.max(0, left), top: Math.max(0, top), right: Math.min(clientWidth, right), bottom: Math.min(clientHeight, bottom) };
}

export class Editor {
  readonly element = h("div", { class: "editor", "aria-describedby": "editor-help" });
  private readonly view: EditorView;
  private readonly darkness = new Compartment();

  constructor(
    listeners: Listeners,
    private readonly helper: Helper,
  ) {
    const root = this.element.attachShadow({ mode: "open" });
    const state = EditorState.create({
      extensions: [
        lineNumbers(), foldGutter(), codeFolding(), history(), drawSelection(), dropCursor(), rectangularSelection(),
        EditorState.allowMultipleSelections.of(true), EditorView.lineWrapping, highlightSpecialChars(),
        indentOnInput(), indentUnit.of("  "), bracketMatching(), closeBrackets(), highlightActiveLine(),
        highlightActiveLineGutter(), highlightSelectionMatches(), search({ top: false }), yaml(), highlight, numbers, problems,
        help(helper), tooltips({ tooltipSpace }),
        this.darkness.of(look(false)),
        EditorView.contentAttributes.of({ "aria-label": "config, in YAML", spellcheck: "false", autocapitalize: "off" }),
        keymap.of([
          { key: "Mod-s", preventDefault: true, run: () => (listeners.save(), true) },
          ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, indentWithTab,
        ]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) listeners.changed(update.state.doc.toString());
          const numbersChanged = update.transactions.some((one) => one.effects.some((effect) => effect.is(setNumbers)));
          if (update.selectionSet || update.docChanged || numbersChanged) {
            const line = update.state.doc.lineAt(update.state.selection.main.head).number;
            listeners.moved(line, numbersAt(update.state));
          }
        }),
      ],
    });
    this.view = new EditorView({ state, root, parent: root });
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  /** Puts another text in place of this one, and its first line in sight. Undo brings it back, unless it is the first. */
  replace(text: string, isFirst = false, isSeen = true): void {
    const change = smallest(this.text, text);
    if (!change) return;
    this.view.dispatch({
      changes: change,
      userEvent: "input.replace",
      ...(isFirst ? { annotations: Transaction.addToHistory.of(false) } : { selection: { anchor: 0 }, scrollIntoView: isSeen }),
    });
  }

  /** Shows what is known of this very text; of one that is not whole, behind that what was known before. */
  showCheck(check: Check, isWhole: boolean): void {
    this.view.dispatch({
      effects: [setNumbers.of({ hints: check.hints, lenses: check.lenses, isWhole }), setStale.of(false)],
    });
    showProblems(this.view, check.problems);
  }

  showProblems(found: readonly Problem[]): void {
    showProblems(this.view, found);
  }

  showStale(): void {
    this.view.dispatch({ effects: setStale.of(true) });
  }

  apply(fix: Fix): void {
    apply(this.view, fix);
    this.view.focus();
  }

  goTo(line: number, column = 0): void {
    goTo(this.view, line, column);
  }

  format(): void {
    void format(this.view, this.helper);
  }

  focus(): void {
    this.view.focus();
  }

  end(): void {
    this.view.destroy();
  }

  set dark(value: boolean) {
    this.view.dispatch({ effects: this.darkness.reconfigure(look(value)) });
  }
}
