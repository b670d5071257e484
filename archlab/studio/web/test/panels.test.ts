import { beforeAll, describe, expect, it } from "vitest";
import { drawField, marks, told } from "../src/draw/field";
import { chosen } from "../src/parts";
import { extent, withValue } from "../src/panels/params";
import { matching } from "../src/panels/presets";
import { read } from "../src/panels/receptive";
import type { FieldAxis, Param } from "../src/protocol";
import { giveDocument } from "./dom";

const param = (change: Partial<Param>): Param => ({ name: "width", value: 64, default: 64, kind: "int", ...change });

describe("a slider", () => {
  it("goes as far as archlab says, and farther where the value is", () => {
    expect(extent(param({ low: 1, high: 256, step: 1 }))).toEqual({ low: 1, high: 256, step: 1 });
    expect(extent(param({ low: 1, high: 256, step: 1, value: 999 })).high).toBe(999);
    expect(extent(param({ low: 1, high: 256, step: 1, value: -2 })).low).toBe(-2);
  });
  it("has ends of its own where archlab says none", () => {
    expect(extent(param({}))).toEqual({ low: 0, high: 128, step: 1 });
    expect(extent(param({ kind: "float", value: 0.5, default: 0.5 }))).toEqual({ low: 0, high: 2, step: 0.1 });
  });
  it("that is back at the text's value changes nothing", () => {
    expect(withValue({ width: 32, d: 1 }, param({}), 64)).toEqual({ d: 1 });
    expect(withValue({ d: 1 }, param({}), 32)).toEqual({ d: 1, width: 32 });
  });
});

describe("hints", () => {
  it("show all numbers, unless some were chosen", () => {
    expect(chosen(null)).toEqual(["shape", "params", "macs", "receptive_field", "peak"]);
    expect(chosen("peak,shape,other")).toEqual(["shape", "peak"]);
    expect(chosen("")).toEqual([]);
  });
});

describe("presets", () => {
  const presets = [
    { name: "resnet", summary: "Deep Residual Learning", family: "resnet", variants: ["resnet18", "resnet50"] },
    { name: "unet", summary: "U-Net", family: "unet", variants: [] },
  ];
  it.each([["", 2], ["net", 2], ["RESNET50", 1], ["residual deep", 1], ["residual unet", 0]])("with %j are %d", (words, count) => {
    expect(matching(presets, words)).toHaveLength(count);
  });
});

describe("the field", () => {
  const axis = (change: Partial<FieldAxis>): FieldAxis => ({
    name: "height", input: 224, units: 7, unit: 3, first: -101, last: 325, parts: [[-101, 325]], size: 427, stride: 32, start: 0, coverage: 1, ...change,
  });
  beforeAll(() => void giveDocument());
  it("is told in words", () => {
    expect(told(axis({}))).toBe("height: unit 4 of 7 sees 427 positions, -101 to 325; the input has 224");
    expect(told(axis({ first: null, last: null }))).toMatch(/not known/);
  });
  it("of two axes is a map with what is really read", () => {
    const parts: [number, number][] = [[0, 0], [4, 4], [8, 8]];
    const picture = drawField([axis({ first: 0, last: 8, parts }), axis({ name: "width", first: 0, last: 8, parts })], 500)!;
    expect(picture.querySelectorAll(".read")).toHaveLength(9);
    const [input, seen] = [".input", ".seen"].map((name) => Number(picture.querySelector(name)!.getAttribute("width")));
    expect(seen! / input!).toBeCloseTo(9 / 224, 6);
    expect(picture.textContent).toContain("width, pixels of the input");
  });
  it("of one axis, or three, is a bar each", () => {
    expect(drawField([axis({})], 500)!.querySelectorAll(".seen")).toHaveLength(1);
    expect(drawField([axis({}), axis({}), axis({})], 500)!.querySelectorAll(".seen")).toHaveLength(3);
  });
  it("has numbers that do not cover one another, its input's ends first", () => {
    expect(marks({ low: -117, high: 310 }, 224, 0.7, 36)).toEqual([-117, 0, 100, 224, 310]);
    expect(marks({ low: 0, high: 224 }, 224, 1, 36)).toEqual([0, 100, 224]); // 200 is 24 points from 224
    expect(marks({ low: 0, high: 224 }, 224, 2, 36)).toEqual([0, 100, 200, 224]);
    expect(marks({ low: -3, high: 227 }, 224, 1, 36)).toEqual([0, 100, 224]);
  });
  it("that is not known is not drawn", () => expect(drawField([axis({ first: null, last: null }), axis({})], 500)).toBeNull());
  it("of a layer is read by its axes", () => {
    const growth = { name: "conv", receptive_field: [7, 9], jump: [2, 2], line: 1 };
    expect(read(growth, ["height", "width"])).toBe("conv: sees 7 x 9 (height x width), stride 2 x 2");
    expect(read({ ...growth, global: true }, ["height", "width"])).toBe("conv: sees everything (global)");
    expect(read({ ...growth, receptive_field: [null, null] }, [])).toMatch(/unknown/);
  });
});
