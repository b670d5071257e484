/** Text can be read: at least 4.5 to 1 (WCAG 2.2, 1.4.3), in light and dark, by the style sheet itself. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync(new URL("../src/style.css", import.meta.url), "utf8");

function colours(selector: string): Record<string, string> {
  const start = css.indexOf(`${selector}{--ink`);
  const body = css.slice(start, css.indexOf("}", start));
  return Object.fromEntries([...body.matchAll(/--(\w+):(#[0-9a-f]{3,8})/g)].map(([, name, value]) => [name!, value!]));
}

function channels(colour: string): [number, number, number, number] {
  const hex = colour.slice(1);
  const full = hex.length < 6 ? [...hex].map((digit) => digit + digit).join("") : hex;
  const [red, green, blue, alpha = 255] = full.match(/../g)!.map((pair) => parseInt(pair, 16));
  return [red!, green!, blue!, alpha / 255];
}

/** A colour over another. */
function over(colour: string, back: string): number[] {
  const [[r, g, b, alpha], below] = [channels(colour), channels(back)];
  return [r, g, b].map((value, index) => alpha * value + (1 - alpha) * below[index]!);
}

function luminance(rgb: number[]): number {
  const [r, g, b] = rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(text: string, back: string, below: string): number {
  const [a, b] = [luminance(over(text, below)), luminance(over(back, below))].sort((x, y) => y - x);
  return (a! + 0.05) / (b! + 0.05);
}

const THEMES = [
  ["light", colours(":root")],
  ["dark", colours(":root[data-theme=dark]")],
  ["dark, as the system has it", colours(":root:not([data-theme=light])")],
] as const;

describe.each(THEMES)("in %s", (_name, theme) => {
  it("all colours are known", () => {
    expect(Object.keys(theme)).toEqual(["ink", "faint", "line", "back", "soft", "accent", "good", "bad", "warn", "key", "string", "number", "active", "selected", "match"]);
  });
  const texts = ["ink", "faint", "accent", "good", "bad", "warn", "key", "string", "number"];
  it.each(texts.flatMap((text) => ["back", "soft", "active"].map((back) => [text, back] as const)))("%s can be read on %s", (text, back) => {
    expect(contrast(theme[text]!, theme[back]!, theme["back"]!)).toBeGreaterThanOrEqual(4.5);
  });
  it.each(["ink", "faint", "key", "string", "number"])("%s can be read where it is selected, or found", (text) => {
    for (const back of ["selected", "match"]) expect(contrast(theme[text]!, theme[back]!, theme["back"]!)).toBeGreaterThanOrEqual(4.5);
  });
  it("a chosen completion can be read", () => expect(contrast(theme["back"]!, theme["accent"]!, theme["back"]!)).toBeGreaterThanOrEqual(4.5));
  it("focus and lines of pictures can be seen", () => {
    for (const line of ["accent", "bad", "good", "faint"]) expect(contrast(theme[line]!, theme["back"]!, theme["back"]!)).toBeGreaterThanOrEqual(3);
  });
});

it("the measure is the standard's", () => {
  expect(contrast("#000", "#fff", "#fff")).toBeCloseTo(21, 5);
  expect(contrast("#767676", "#fff", "#fff")).toBeCloseTo(4.54, 2); // the lightest grey that passes, as is well known
});

it("dark is the same, chosen or of the system", () => expect(THEMES[1][1]).toEqual(THEMES[2][1]));
