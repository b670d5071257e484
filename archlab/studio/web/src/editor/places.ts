/** Lines and columns as archlab counts them, to offsets of a text as it is now. */

import type { Text } from "@codemirror/state";
import type { Edit, Stretch } from "../protocol";

/** The offset of a place, within the text whatever it says. */
export function offset(text: Text, line: number, column: number): number {
  if (line >= text.lines) return text.length;
  const found = text.line(Math.max(0, line) + 1);
  return Math.min(found.from + Math.max(0, column), found.to);
}

export function range(text: Text, stretch: Stretch): { from: number; to: number } {
  const from = offset(text, stretch.line, stretch.column);
  return { from, to: Math.max(from, offset(text, stretch.end_line, stretch.end_column)) };
}

export function changes(text: Text, edits: readonly Edit[]): { from: number; to: number; insert: string }[] {
  return edits.map((edit) => ({ ...range(text, edit), insert: edit.text }));
}

export function place(text: Text, at: number): { line: number; column: number } {
  const line = text.lineAt(at);
  return { line: line.number - 1, column: at - line.from };
}

/** The smallest change from one text to another: cursors and folds around it stay. */
export function smallest(before: string, after: string): { from: number; to: number; insert: string } | null {
  if (before === after) return null;
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  let end = 0;
  while (end < most - start && before.charCodeAt(before.length - 1 - end) === after.charCodeAt(after.length - 1 - end)) end++;
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) };
}
