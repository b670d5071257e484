import { beforeAll, describe, expect, it } from "vitest";
import { markdown } from "../src/markdown";
import { giveDocument } from "./dom";

describe("Markdown of a hover", () => {
  beforeAll(() => void giveDocument());
  const html = (text: string): string => markdown(text).innerHTML;

  it.each([
    ["**conv2d** `7x7`", "<p><strong>conv2d</strong> <code>7x7</code></p>"],
    ["a *b* _c_ d_e_f 2*3*4", "<p>a <em>b</em> <em>c</em> d_e_f 2*3*4</p>"],
    ["# Title\ntext\nmore", "<p><strong>Title</strong></p><p>text more</p>"],
    ["- a\n- `b`", "<ul><li>a</li><li><code>b</code></li></ul>"],
    ["```python\na < b\n```\nc", "<pre><code>a &lt; b</code></pre><p>c</p>"],
    ["| a | b |\n|---|--:|\n| 1 | `x\\|y` |", '<table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead><tbody><tr><td>1</td><td><code>x|y</code></td></tr></tbody></table>'],
    ["``a`b``", "<p><code>a`b</code></p>"],
    ["1 \\* 2", "<p>1 * 2</p>"],
  ])("%s", (text, expected) => {
    expect(html(text)).toBe(expected);
  });

  it.each([
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "`<b>`",
    "**<svg onload=alert(1)>**",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    '[<img src=x>](https://a.example/"onmouseover=alert(1))',
  ])("of strangers makes no element of theirs: %s", (text) => {
    const root = markdown(text);
    expect(root.querySelectorAll("img, script, svg, b")).toHaveLength(0);
    for (const link of root.querySelectorAll("a")) {
      expect(link.getAttribute("href")).toMatch(/^https:/);
      expect([...link.attributes].map(({ name }) => name).sort()).toEqual(["href", "rel", "target"]);
    }
  });

  it("leaves lines as they are that are longer than any of archlab's, and an end off that is farther than its longest hover", () => {
    const line = "**a** ".repeat(400).trim();
    expect(html(line)).toBe(`<p>${line}</p>`);
    expect(markdown("a\n\n".repeat(10_000)).children).toHaveLength(Math.ceil(20_000 / 3));
  });
});
