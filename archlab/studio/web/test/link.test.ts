import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decode, encode, LinkError, MOST_DECODED, MOST_ENCODED } from "../src/link";

const fragment = (text: string): string => `c1=${deflateRawSync(Buffer.from(text)).toString("base64url")}`;

describe("a link", () => {
  it.each([
    { text: "name: a\nlayers: []\n", variant: "", set: {} },
    { text: "# ünïcödé 🙂 <script>alert(1)</script>\n", variant: "resnet50", set: { width: 64, up: "bilinear", on: true, none: null } },
    { text: "x".repeat(200_000), variant: "v", set: { a: -0.5 } },
  ])("holds what was put into it", async (config) => {
    const made = await encode(config);
    expect(made).toMatch(/^c1=[\w-]+$/);
    expect(await decode(`#${made}`)).toEqual(config);
  });

  it("is what zlib reads and writes, too", async () => {
    expect(await decode(fragment('["name: z", "", {"d": 3}]'))).toEqual({ text: "name: z", variant: "", set: { d: 3 } });
  });

  it.each(["", "#", "#main", "#c2=abc"])("of something else is none: %s", async (text) => {
    expect(await decode(text)).toBeNull();
  });

  it.each([
    ["damaged letters", "c1=***"],
    ["no deflated text", "c1=AAAA"],
    ["no JSON", fragment("name: a")],
    ["no list", fragment('{"text": "a"}')],
    ["a text of another kind", fragment('[1, "", {}]')],
    ["params of another kind", fragment('["", "", [1]]')],
    ["params that hold more", fragment('["", "", {"a": {"b": 1}}]')],
    ["too many params", fragment(JSON.stringify(["", "", Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`p${n}`, n]))]))],
    ["too many letters", `c1=${"A".repeat(MOST_ENCODED)}`],
    ["a text that grows without end", fragment(JSON.stringify(["x".repeat(MOST_DECODED + 1), "", {}]))],
  ])("with %s is refused", async (_what, text) => {
    await expect(decode(text)).rejects.toBeInstanceOf(LinkError);
  });

  it("is not made of what is too long to be read again", async () => {
    const noise = Array.from({ length: 300_000 }, (_, n) => String.fromCharCode(33 + ((n * n * 7919 + n * 31) % 90))).join("");
    await expect(encode({ text: "x".repeat(MOST_DECODED + 1), variant: "", set: {} })).rejects.toBeInstanceOf(LinkError);
    const made = await encode({ text: noise, variant: "", set: {} }).catch((error: unknown) => error);
    if (typeof made === "string") expect(made.length).toBeLessThanOrEqual(MOST_ENCODED);
    else expect(made).toBeInstanceOf(LinkError);
  });
});
