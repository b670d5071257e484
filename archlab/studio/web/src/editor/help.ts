/** Completion, hover, going to where a thing is defined, and formatting, asked of archlab. */

import {
  autocompletion,
  type Completion as Option,
  type CompletionContext,
  completionKeymap,
  type CompletionResult,
} from "@codemirror/autocomplete";
import { type Extension, StateEffect, StateField } from "@codemirror/state";
import { EditorView, hoverTooltip, keymap, showTooltip, type Tooltip } from "@codemirror/view";
import { markdown } from "../markdown";
import type { Completion, Definition, Hover, Offer } from "../protocol";
import { offset, place, range, smallest } from "./places";

export interface Asked {
  line: number;
  column: number;
}

export interface Helper {
  complete(text: string, at: Asked): Promise<Completion | null>;
  hover(text: string, at: Asked): Promise<Hover | null>;
  definition(text: string, at: Asked): Promise<Definition | null>;
  format(text: string): Promise<string | null>;
}

const KINDS: Record<string, string> = {
  key: "property", type: "class", block: "function", param: "variable", name: "constant",
  preset: "namespace", value: "enum", function: "function", file: "text",
};

function option(offer: Offer, rank: number): Option {
  return {
    label: offer.label,
    ...(offer.detail ? { detail: offer.detail.length > 60 ? `${offer.detail.slice(0, 59)}…` : offer.detail } : {}),
    ...(offer.detail && offer.detail.length > 60 ? { info: offer.detail } : {}),
    type: KINDS[offer.kind] ?? "text",
    apply: offer.insert ?? offer.label,
    boost: Math.max(-99, -rank / 10),
  };
}

function source(helper: Helper) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const before = context.matchBefore(/[\w.$@/-]*/);
    const line = context.state.doc.lineAt(context.pos);
    const started = /(^\s*|[:,{[-]\s+|\$\(?)$/.test(line.text.slice(0, context.pos - line.from));
    if (!context.explicit && !before?.text && !started) return null;
    const found = await helper.complete(context.state.doc.toString(), place(context.state.doc, context.pos));
    // Nothing as a result: CodeMirror would wait for ever for a null that comes after the next key.
    if (!found || !found.offers.length) return { from: context.pos, options: [] };
    const from = offset(context.state.doc, line.number - 1, found.start);
    const to = Math.max(context.pos, offset(context.state.doc, line.number - 1, found.end));
    return { from, to, options: found.offers.map(option), validFor: /^[\w.$]*$/ };
  };
}

async function tooltip(view: EditorView, at: number, helper: Helper): Promise<Tooltip | null> {
  const found = await helper.hover(view.state.doc.toString(), place(view.state.doc, at));
  if (!found?.markdown) return null;
  const told = found.markdown;
  const stretch =
    found.line === undefined
      ? { from: at, to: at }
      : range(view.state.doc, {
          line: found.line,
          column: found.column ?? 0,
          end_line: found.end_line ?? found.line,
          end_column: found.end_column ?? found.column ?? 0,
        });
  return {
    pos: Math.min(stretch.from, at),
    end: Math.max(stretch.to, at),
    above: true,
    create: () => {
      const dom = markdown(told);
      dom.classList.add("cm-archlab-hover");
      return { dom };
    },
  };
}

const setTold = StateEffect.define<Tooltip | null>();

/** A hover that was asked for by a key; it goes when the cursor moves, or with Escape. */
const told = StateField.define<Tooltip | null>({
  create: () => null,
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setTold)) return effect.value;
    return transaction.docChanged || transaction.selection ? null : value;
  },
  provide: (field) => showTooltip.from(field),
});

export async function tellHere(view: EditorView, helper: Helper): Promise<void> {
  const { state } = view;
  const found = await tooltip(view, state.selection.main.head, helper);
  if (view.state.doc === state.doc) view.dispatch({ effects: setTold.of(found) });
}

export async function goToDefinition(view: EditorView, at: number, helper: Helper): Promise<void> {
  const { doc } = view.state;
  const found = await helper.definition(doc.toString(), place(doc, at));
  if (found?.line === null || found?.line === undefined || view.state.doc !== doc) return;
  goTo(view, found.line, found.column ?? 0);
}

export function goTo(view: EditorView, line: number, column = 0): void {
  const at = offset(view.state.doc, line, column);
  view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
  view.focus();
}

export async function format(view: EditorView, helper: Helper): Promise<void> {
  const { doc } = view.state;
  const before = doc.toString();
  const after = await helper.format(before);
  const change = after === null ? null : smallest(before, after);
  if (change && view.state.doc === doc) view.dispatch({ changes: change, userEvent: "input.format" });
}

export function help(helper: Helper): Extension {
  const run = (command: (view: EditorView) => Promise<void>) => (view: EditorView) => {
    void command(view);
    return true;
  };
  return [
    autocompletion({ override: [source(helper)], activateOnTypingDelay: 60, interactionDelay: 30 }),
    hoverTooltip((view, at) => tooltip(view, at, helper), { hideOnChange: true }),
    told,
    keymap.of([
      ...completionKeymap,
      { key: "Mod-k Mod-i", run: run((view) => tellHere(view, helper)) },
      { key: "F12", run: run((view) => goToDefinition(view, view.state.selection.main.head, helper)) },
      { key: "Shift-Alt-f", run: run((view) => format(view, helper)) },
      {
        key: "Escape",
        run: (view) => {
          if (view.state.field(told) === null) return false;
          view.dispatch({ effects: setTold.of(null) });
          return true;
        },
      },
    ]),
    EditorView.domEventHandlers({
      mousedown(event, view) {
        if (!(event.ctrlKey || event.metaKey) || event.button !== 0) return false;
        const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
        if (at === null) return false;
        event.preventDefault();
        void goToDefinition(view, at, helper);
        return true;
      },
    }),
  ];
}
