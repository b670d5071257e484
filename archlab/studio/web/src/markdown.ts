/** The Markdown of hovers as elements: paragraphs, headings, lists, tables, code, emphasis, links. All else is text.
 *
 * Never by innerHTML: what looks like HTML is shown as it is written.
 */

import { h } from "./dom";

const INLINE = /(`+)([^`]|[^`].*?[^`])\1(?!`)|\*\*(.+?)\*\*|(?<![\w*])\*([^*\s](?:[^*]*[^*\s])?)\*(?!\w)|(?<!\w)_([^_\s](?:[^_]*[^_\s])?)_(?!\w)|\[([^\]]*)\]\(([^()\s]+)\)|\\([!-/:-@[-`{-~])/g;

/** Only these are followed; anything else is shown as text. */
function isSafe(address: string): boolean {
  return /^https?:\/\//i.test(address);
}

/** Of a line that is read: the work on one may grow with its square. */
const LONGEST_LINE = 2000;

export function inline(text: string, depth = 0): (Node | string)[] {
  if (depth > 4 || text.length > LONGEST_LINE) return [text];
  const found: (Node | string)[] = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > last) found.push(text.slice(last, match.index));
    last = match.index + match[0].length;
    const [, , code, strong, star, underscore, label, address, escaped] = match;
    if (code !== undefined) found.push(h("code", {}, code));
    else if (strong !== undefined) found.push(h("strong", {}, ...inline(strong, depth + 1)));
    else if (star !== undefined || underscore !== undefined) found.push(h("em", {}, ...inline((star ?? underscore)!, depth + 1)));
    else if (escaped !== undefined) found.push(escaped);
    else if (isSafe(address!)) found.push(h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...inline(label!, depth + 1)));
    else found.push(match[0]);
  }
  if (last < text.length) found.push(text.slice(last));
  return found;
}

function cells(line: string): string[] {
  return line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function table(lines: string[]): HTMLElement {
  const [head, , ...body] = lines;
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, ...cells(head!).map((cell) => h("th", { scope: "col" }, ...inline(cell))))),
    h("tbody", {}, ...body.map((line) => h("tr", {}, ...cells(line).map((cell) => h("td", {}, ...inline(cell)))))),
  );
}

function block(lines: string[]): HTMLElement {
  const first = lines[0]!;
  const heading = /^(#{1,6})\s+(.*)$/.exec(first);
  if (heading && lines.length === 1) return h("p", {}, h("strong", {}, ...inline(heading[2]!)));
  if (lines.length > 1 && /^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/.test(lines[1]!) && first.includes("|")) return table(lines);
  if (lines.every((line) => /^\s*[-*+]\s+/.test(line))) {
    return h("ul", {}, ...lines.map((line) => h("li", {}, ...inline(line.replace(/^\s*[-*+]\s+/, "")))));
  }
  const parts = lines.flatMap((line, index) => {
    const [text, breaks] = [line.replace(/(\s{2,}|\\)$/, ""), /(\s{2,}|\\)$/.test(line)];
    return [...inline(text), ...(index < lines.length - 1 ? [breaks ? h("br") : " "] : [])];
  });
  return h("p", {}, ...parts);
}

/** The elements of a text; at most 20,000 characters of it. */
export function markdown(text: string): HTMLElement {
  const root = h("div", { class: "markdown" });
  let paragraph: string[] = [];
  let code: string[] | null = null;
  const end = (): void => {
    if (paragraph.length) root.append(block(paragraph));
    paragraph = [];
  };
  for (const line of text.slice(0, 20_000).split(/\r?\n/)) {
    if (code !== null) {
      if (/^\s*(```|~~~)\s*$/.test(line)) {
        root.append(h("pre", {}, h("code", {}, code.join("\n"))));
        code = null;
      } else code.push(line);
    } else if (/^\s*(```|~~~)/.test(line)) {
      end();
      code = [];
    } else if (line.trim() === "") end();
    else if (/^#{1,6}\s/.test(line)) {
      end();
      root.append(block([line]));
    } else if (/^\s*(-{3,}|\*{3,})\s*$/.test(line)) {
      end();
      root.append(h("hr"));
    } else paragraph.push(line);
  }
  if (code !== null) root.append(h("pre", {}, h("code", {}, code.join("\n"))));
  end();
  return root;
}
