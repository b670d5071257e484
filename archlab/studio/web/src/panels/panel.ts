/** A panel beside the editor: it is drawn when it can be seen, and after that when what it shows has changed. */

import type { Config } from "../protocol";
import type { State } from "../store";

export interface Actions {
  goTo(line: number): void;
  choose(change: Partial<Omit<Config, "text">>): void;
  /** Another text in place of the one that stands there. */
  begin(name: string, variant: string): void;
  keep(): void;
}

export interface Panel {
  readonly id: string;
  readonly title: string;
  readonly element: HTMLElement;
  draw(state: Readonly<State>): void;
}

/** What a panel says while it has nothing to show. */
export const NOTHING = "As soon as the config has no problems, its numbers are here.";
