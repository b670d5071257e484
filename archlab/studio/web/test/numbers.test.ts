import { describe, expect, it } from "vitest";
import { linear, thinned, ticks } from "../src/draw/scale";
import { nearest } from "../src/draw/chart";
import { binary, counted, si } from "../src/number";
import { sorted, turned } from "../src/sort";
import type { Row } from "../src/protocol";

describe("numbers", () => {
  it.each([
    [0, "0"], [999, "999"], [1000, "1K"], [25_557_032, "25.56M"], [4_089_184_256, "4.09G"], [231_211_008, "231.2M"],
    [999_999, "1M"], [-1500, "-1.5K"],
  ])("%d is %s", (value, text) => expect(si(value)).toBe(text));
  it.each([[0, "0 B"], [1023, "1023 B"], [1024, "1 KiB"], [192_093_336, "183.2 MiB"], [2 ** 30, "1 GiB"]])("%d is %s", (value, text) =>
    expect(binary(value)).toBe(text),
  );
  it("are counted", () => expect([counted(1, "layer"), counted(1234, "layer")]).toEqual(["1 layer", "1,234 layers"]));
});

describe("an axis", () => {
  it.each([
    [427, 5, 10, [0, 100, 200, 300, 400, 500]],
    [1, 5, 10, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0, 5, 10, [0, 1]],
    [NaN, 5, 10, [0, 1]],
  ])("up to %d has ticks", (most, count, base, expected) => {
    ticks(most, count, base).forEach((tick, index) => expect(tick).toBeCloseTo(expected[index]!, 9));
    expect(ticks(most, count, base)).toHaveLength(expected.length);
  });
  it("of bytes has round ones", () => {
    const found = ticks(183.2 * 2 ** 20, 5, 1024);
    expect(found.every((tick) => Number.isInteger(Math.log2(found[1]!)) && tick % found[1]! === 0)).toBe(true);
    expect(found.at(-1)).toBeGreaterThanOrEqual(183.2 * 2 ** 20);
    expect(found.length).toBeLessThan(9);
  });
  it("always covers the most, by few ticks", () => {
    for (let value = 1e-3; value < 1e15; value *= 1.37) {
      for (const base of [10, 1024]) {
        const found = ticks(value, 5, base);
        expect(found.at(-1)! * 1.000001).toBeGreaterThanOrEqual(value);
        expect(found.length).toBeLessThanOrEqual(12);
      }
    }
  });
  it("goes from values to points", () => {
    const scale = linear([0, 10], [100, 0]);
    expect([scale(0), scale(5), scale(10)]).toEqual([100, 50, 0]);
    expect(linear([3, 3], [0, 10])(3)).toBe(5);
  });
  it("keeps ends and extremes of many values", () => {
    const values = Array.from({ length: 10_000 }, (_, index) => Math.sin(index / 50));
    [values[1234], values[8888]] = [7, -7];
    const kept = thinned(values, 500);
    expect(kept.length).toBeLessThanOrEqual(502);
    expect([kept[0], kept.at(-1)]).toEqual([0, 9999]);
    expect(kept).toEqual(expect.arrayContaining([1234, 8888]));
    expect([...kept].sort((a, b) => a - b)).toEqual(kept);
    expect(thinned([1, 2, 3], 500)).toEqual([0, 1, 2]);
  });
  it("finds the nearest", () => {
    const values = [0, 1, 5, 9, 10];
    for (const [wanted, index] of [[-3, 0], [0.4, 0], [0.6, 1], [2.9, 1], [3.1, 2], [9.4, 3], [99, 4]]) expect(nearest(values, wanted!)).toBe(index);
  });
});

describe("a table", () => {
  const row = (name: string, value: number | string | null): Row => ({ line: null, name, cells: [{ value, text: String(value) }] });
  const rows = [row("b10", 3), row("b9", null), row("a", 20), row("c", 3)];
  it("sorts by numbers, absent ones last, equal ones as they were", () => {
    expect(sorted(rows, { column: 0, direction: "ascending" })).toEqual([0, 3, 2, 1]);
    expect(sorted(rows, { column: 0, direction: "descending" })).toEqual([2, 0, 3, 1]);
  });
  it("sorts names with their numbers", () => expect(sorted(rows, { column: -1, direction: "ascending" })).toEqual([2, 1, 0, 3]));
  it("goes back to the network's order at the third click", () => {
    let order = turned({ column: null, direction: "ascending" }, 2);
    expect(order).toEqual({ column: 2, direction: "ascending" });
    order = turned(order, 2);
    expect(order.direction).toBe("descending");
    expect(sorted(rows, turned(order, 2))).toEqual([0, 1, 2, 3]);
    expect(turned(order, 1)).toEqual({ column: 1, direction: "ascending" });
  });
});
