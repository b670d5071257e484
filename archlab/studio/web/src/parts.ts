/** Which numbers stand behind each line: a choice of the person, kept for the next visit. */

import { h } from "./dom";

/** By archlab's names (`archlab/editor/parts.py`), in their order. */
const PARTS = [
  ["shape", "output shape"],
  ["params", "params"],
  ["macs", "MACs"],
  ["receptive_field", "receptive field"],
  ["peak", "where memory is highest"],
] as const;
const STORED = "archlab-hints";

/** Those of a list that there are; all where it is none. */
export function chosen(stored: string | null): string[] {
  const names: string[] = PARTS.map(([name]) => name);
  if (stored === null) return names;
  const wanted = stored.split(",");
  return names.filter((name) => wanted.includes(name));
}

export function storedParts(): string[] {
  try {
    return chosen(localStorage.getItem(STORED));
  } catch {
    return chosen(null);
  }
}

/** A box for each; `listen` is told of each change. */
export function partChoice(listen: (parts: string[]) => void): HTMLElement {
  const before = storedParts();
  const boxes = PARTS.map(([name, label]) => {
    const box = h("input", { type: "checkbox", value: name, checked: before.includes(name), onchange: () => tell() });
    return [box, h("label", {}, box, ` ${label}`)] as const;
  });
  const tell = (): void => {
    const parts = boxes.filter(([box]) => box.checked).map(([box]) => box.value);
    try {
      localStorage.setItem(STORED, parts.join(","));
    } catch {
      // it is chosen for this page alone
    }
    listen(parts);
  };
  return h("div", { class: "choices" }, ...boxes.map(([, label]) => label));
}
