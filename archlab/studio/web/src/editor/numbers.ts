/** Numbers behind lines and above them: widgets beside the text, never part of it. */

import { type EditorState, type Range, StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import type { Hint, Lens } from "../protocol";
import { h } from "../dom";

class HintWidget extends WidgetType {
  constructor(
    readonly text: string,
    readonly tooltip: string,
    /** Whether it is of an earlier text. */
    readonly isStale = false,
  ) {
    super();
  }

  override eq(other: HintWidget): boolean {
    return other.text === this.text && other.tooltip === this.tooltip && other.isStale === this.isStale;
  }

  toDOM(): HTMLElement {
    const [name, title] = this.isStale ? ["cm-archlab-hint cm-archlab-earlier", "before the problem"] : ["cm-archlab-hint", this.tooltip];
    return h("span", { class: name, title: title || null, "aria-hidden": "true" }, this.text);
  }

  override ignoreEvent(): boolean {
    return false;
  }
}

class LensWidget extends WidgetType {
  constructor(readonly text: string) {
    super();
  }

  override eq(other: LensWidget): boolean {
    return other.text === this.text;
  }

  override get estimatedHeight(): number {
    return 20;
  }

  toDOM(): HTMLElement {
    return h("div", { class: "cm-archlab-lens", "aria-hidden": "true" }, this.text);
  }
}

interface Known {
  hints: readonly Hint[];
  lenses: readonly Lens[];
  isWhole: boolean;
}

export const setNumbers = StateEffect.define<Known>();
export const setStale = StateEffect.define<boolean>();

/** The hints of each line, together: a line may have several items. */
export function byLine(hints: readonly Hint[], lines: number): Map<number, { text: string; tooltip: string }> {
  const found = new Map<number, { text: string; tooltip: string }>();
  for (const hint of hints) {
    if (hint.line < 0 || hint.line >= lines) continue;
    const earlier = found.get(hint.line);
    found.set(
      hint.line,
      earlier
        ? { text: `${earlier.text}  |  ${hint.text}`, tooltip: [earlier.tooltip, hint.tooltip].filter(Boolean).join("\n") }
        : { text: hint.text, tooltip: hint.tooltip },
    );
  }
  return found;
}

/** Hints of the lines that an answer says nothing of, as they were: without them all would come and go at each comma. */
function earlier(before: DecorationSet, text: Text, told: ReadonlySet<number>): Range<Decoration>[] {
  const found = new Map<number, Range<Decoration>>();
  for (const cursor = before.iter(); cursor.value; cursor.next()) {
    const { widget } = cursor.value.spec as { widget: WidgetType };
    const line = text.lineAt(cursor.from);
    if (!(widget instanceof HintWidget) || told.has(line.number - 1) || line.text.trim() === "") continue;
    found.set(line.number, Decoration.widget({ widget: new HintWidget(widget.text, "", true), side: 1 }).range(line.to));
  }
  return [...found.values()];
}

function decorations(text: Text, { hints, lenses, isWhole }: Known, before: DecorationSet): DecorationSet {
  const lines = byLine(hints, text.lines);
  const found = isWhole ? [] : earlier(before, text, new Set(lines.keys()));
  for (const [line, { text: told, tooltip }] of lines) {
    found.push(Decoration.widget({ widget: new HintWidget(told, tooltip), side: 1 }).range(text.line(line + 1).to));
  }
  for (const lens of lenses) {
    if (lens.line < 0 || lens.line >= text.lines) continue;
    const widget = new LensWidget(lens.title);
    found.push(Decoration.widget({ widget, side: -1, block: true }).range(text.line(lens.line + 1).from));
  }
  return Decoration.set(found, true);
}

/** They move with the text until the next answer comes. */
const shown = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(before, transaction) {
    const found = transaction.docChanged ? before.map(transaction.changes) : before;
    for (const effect of transaction.effects) {
      if (effect.is(setNumbers)) return decorations(transaction.state.doc, effect.value, found);
    }
    return found;
  },
  provide: (field) => EditorView.decorations.from(field),
});

const stale = StateField.define<boolean>({
  create: () => false,
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setStale)) return effect.value;
    return value;
  },
  provide: (field) => EditorView.editorAttributes.from(field, (value): Record<string, string> => (value ? { class: "cm-stale" } : {})),
});

/** The numbers of the line that the cursor is on; empty for none. */
export function numbersAt(state: EditorState): string {
  const line = state.doc.lineAt(state.selection.main.head);
  const found: string[] = [];
  state.field(shown).between(line.from, line.to, (_from, _to, value) => {
    const { widget } = value.spec as { widget: WidgetType };
    if (widget instanceof HintWidget && !widget.isStale) found.push(widget.text);
  });
  return found.join("  |  ");
}

export const numbers = [shown, stale];
