/** What a view takes from the notebook around it: light or dark, and its width. */

import type { Theme } from "./theme";

/** As JupyterLab, VS Code or Colab have it; else as the system has it. */
export function surroundingTheme(page: Document, systemIsDark: boolean): Theme {
  const { jpThemeLight, vscodeThemeKind: kind } = page.body.dataset;
  if (jpThemeLight !== undefined) return jpThemeLight === "false" ? "dark" : "light";
  if (kind !== undefined) return kind === "vscode-dark" || kind === "vscode-high-contrast" ? "dark" : "light";
  const colab = page.documentElement.getAttribute("theme");
  if (colab !== null) return colab === "dark" ? "dark" : "light";
  return systemIsDark ? "dark" : "light";
}

/** Tells it now and at each change, until what is returned is called. */
export function followTheme(listen: (theme: Theme) => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const tell = (): void => listen(surroundingTheme(document, system.matches));
  const watching = new MutationObserver(tell);
  const attributeFilter = ["data-jp-theme-light", "data-vscode-theme-kind", "theme"];
  for (const element of [document.body, document.documentElement]) watching.observe(element, { attributes: true, attributeFilter });
  system.addEventListener("change", tell);
  tell();
  return () => {
    watching.disconnect();
    system.removeEventListener("change", tell);
  };
}

/** Widths are those of the view, not of the window that the notebook is in. */
export function contained(css: string): string {
  return css.replace(/@media\s*(?=\((max-width:|width\s*<=))/g, "@container ");
}
