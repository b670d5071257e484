/** A button that opens something below it; Escape or a click elsewhere closes it. */

import { type Child, h } from "./dom";

export interface Opened {
  button: HTMLButtonElement;
  body: HTMLElement;
}

export function popover(id: string, label: string, onopen: () => void, ...children: Child[]): Opened {
  const body = h("div", { id, class: "popover", popover: "auto", role: "group", "aria-label": label }, ...children);
  const button = h("button", { type: "button", popovertarget: id, "aria-expanded": "false" }, label);
  body.addEventListener("toggle", (event) => {
    const isOpen = (event as ToggleEvent).newState === "open";
    button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    const { bottom, left } = button.getBoundingClientRect();
    body.style.top = `${bottom + 4}px`;
    body.style.left = `${Math.max(8, Math.min(left, innerWidth - body.offsetWidth - 8))}px`;
    onopen();
  });
  return { button, body };
}
