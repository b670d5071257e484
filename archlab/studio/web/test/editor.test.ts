import { Text } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import { byLine } from "../src/editor/numbers";
import { changes, offset, place, range, smallest } from "../src/editor/places";

const text = Text.of(["name: 🙂x", "layers:", "  - {}"]);

describe("places", () => {
  it("count columns in UTF-16 units", () => expect(text.sliceString(offset(text, 0, 8), offset(text, 0, 9))).toBe("x"));
  it("stay within the text and within their line", () => {
    expect(offset(text, 1, 99)).toBe(text.line(2).to);
    expect(offset(text, 99, 0)).toBe(text.length);
    expect(offset(text, -1, -5)).toBe(0);
  });
  it("go forth and back", () => {
    for (let at = 0; at <= text.length; at++) expect(offset(text, place(text, at).line, place(text, at).column)).toBe(at);
  });
  it("of a stretch never go backwards", () => {
    const found = range(text, { line: 2, column: 4, end_line: 0, end_column: 0 });
    expect(found.to).toBe(found.from);
  });
  it("are where edits go", () => {
    expect(changes(text, [{ line: 2, column: 4, end_line: 2, end_column: 6, text: "{type: relu}" }])).toEqual([
      { from: text.line(3).from + 4, to: text.length, insert: "{type: relu}" },
    ]);
  });
});

describe("the smallest change", () => {
  it.each([
    ["abc", "abc"], ["abc", "aXc"], ["", "abc"], ["abc", ""], ["aaaa", "aaa"], ["aaa", "aaaa"], ["abab", "ababab"], ["x\ny", "x\n  y\n"],
  ])("from %j to %j makes the one of the other", (before, after) => {
    const change = smallest(before, after);
    if (before === after) expect(change).toBeNull();
    else expect(before.slice(0, change!.from) + change!.insert + before.slice(change!.to)).toBe(after);
  });
  it("leaves what is the same", () => expect(smallest("layers: [a, b]", "layers: [a, cc, b]")).toEqual({ from: 12, to: 12, insert: "cc, " }));
});

describe("hints", () => {
  it("of one line stand together, those outside of the text nowhere", () => {
    const found = byLine(
      [
        { line: 1, column: 3, text: "a", tooltip: "x" }, { line: 1, column: 9, text: "b", tooltip: "" },
        { line: 9, column: 0, text: "c", tooltip: "" }, { line: -1, column: 0, text: "d", tooltip: "" },
      ],
      3,
    );
    expect([...found]).toEqual([[1, { text: "a  |  b", tooltip: "x" }]]);
  });
});
