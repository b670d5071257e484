/** Where the app stands: as a page of its own, or as a part of another one. */

import type { Config } from "./protocol";
import { type Theme, themeChoice } from "./theme";

export interface Place {
  /** What it is put into. */
  readonly root: HTMLElement | ShadowRoot;
  /** Whether the address, and leaving, are the app's. */
  readonly isPage: boolean;
  /** Tells the theme at the start and at each change; gives a choice of it where there is one. */
  theme(listen: (theme: Theme) => void): HTMLElement | null;
  /** Is told what stands in the editor and beside it, once that has begun. */
  changed(config: Config): void;
}

export const PAGE: Place = { root: document.body, isPage: true, theme: themeChoice, changed: () => {} };
