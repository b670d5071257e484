/** What the page knows: the config as it stands, and the last good numbers. Panels are told of each change. */

import type { Check, Config, Numbers, Problem } from "./protocol";

export interface State {
  config: Config;
  /** Of the newest text that was answered; null before the first answer. */
  check: Check | null;
  /** The last numbers of a config without problems. */
  good: (Check & Numbers) | null;
  /** Whether `good` is of an earlier text than the one that stands there. */
  isStale: boolean;
  /** The config that `good` is of. */
  shown: Config | null;
  problems: Problem[];
  kept: (Config & { name: string }) | null;
  theme: "light" | "dark";
}

export type Listener = (state: Readonly<State>) => void;

export class Store {
  private readonly listeners: Listener[] = [];

  constructor(private state: State) {}

  get(): Readonly<State> {
    return this.state;
  }

  set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener(this.state);
  }

  listen(listener: Listener): void {
    this.listeners.push(listener);
  }
}

/** Whether an answer holds all the numbers that panels show; so it may also where a figure is not as expected. */
export function isWhole(check: Check): check is Check & Numbers {
  return !!check.totals && !!check.layers && !!check.growth && !!check.timeline;
}
