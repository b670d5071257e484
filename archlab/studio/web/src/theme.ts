/** Light or dark: as the system has it, or as someone chose. */

import { h } from "./dom";

export type Theme = "light" | "dark";
const STORED = "archlab-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function stored(): string {
  try {
    return localStorage.getItem(STORED) ?? "auto";
  } catch {
    return "auto";
  }
}

/** A choice for the header; `listen` is told of each change and of the theme at the start. */
export function themeChoice(listen: (theme: Theme) => void): HTMLElement {
  const options = ["auto", "light", "dark"].map((value) => h("option", { value }, value));
  const select = h("select", { id: "theme", onchange: () => choose(select.value) }, ...options);
  const tell = (): void => {
    const { theme } = document.documentElement.dataset;
    listen(theme === "light" || theme === "dark" ? theme : dark.matches ? "dark" : "light");
  };
  const choose = (value: string): void => {
    if (value === "light" || value === "dark") document.documentElement.dataset["theme"] = value;
    else delete document.documentElement.dataset["theme"];
    try {
      localStorage.setItem(STORED, value);
    } catch {
      // it is chosen for this page alone
    }
    tell();
  };
  dark.addEventListener("change", tell);
  const before = stored();
  select.value = ["auto", "light", "dark"].includes(before) ? before : "auto";
  choose(select.value);
  return h("label", { class: "choice" }, h("span", {}, "theme "), select);
}
