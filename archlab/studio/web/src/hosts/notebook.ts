/** Python behind the messages of a notebook's widget: the kernel answers, nothing is asked of any server. */

import type { Answer, Config, Method, Request } from "../protocol";
import { type Host, HostError, opened } from "./host";

/** What of a widget's model is needed, as anywidget gives it (https://anywidget.dev/en/afm/). */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
  on(event: string, listen: (content: unknown) => void): void;
  off(event: string, listen: (content: unknown) => void): void;
}

interface Waiting {
  resolve(answer: string): void;
  reject(error: Error): void;
}

const MESSAGE = "msg:custom";

/** The config that both sides hold. */
export function configOf(model: Model): Config {
  return {
    text: String(model.get("text") ?? ""),
    variant: String(model.get("variant") ?? ""),
    set: (model.get("settings") ?? {}) as Config["set"],
  };
}

export class NotebookHost implements Host {
  readonly kind = "notebook";
  readonly hello = null;
  private readonly waiting = new Map<string, Waiting>();
  /** Every view of a model is told every answer: those of others, here or in another window, have other names. */
  private readonly own = Math.random().toString(36).slice(2);
  private next = 0;
  private isEnded = false;

  constructor(private readonly model: Model) {
    model.on(MESSAGE, this.take);
  }

  async start(): Promise<void> {}

  async call<M extends Method>(method: M, request: Request<M>): Promise<Answer<M>> {
    if (this.isEnded) throw new HostError("stopped", true);
    const id = `${this.own}-${this.next++}`;
    const answer = await new Promise<string>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.model.send({ id, method, request: JSON.stringify(request) });
    });
    const found = opened<Answer<M>>(JSON.parse(answer));
    return method === "hello" ? { ...found, ...configOf(this.model) } : found;
  }

  private readonly take = (content: unknown): void => {
    if (typeof content !== "object" || content === null) return;
    const { id, answer } = content as { id?: unknown; answer?: unknown };
    if (typeof id !== "string" || typeof answer !== "string") return;
    const waiting = this.waiting.get(id);
    this.waiting.delete(id); // one that was given up is in the map no more
    waiting?.resolve(answer);
  };

  /** The kernel goes on with it; its answer is dropped. */
  async stop(): Promise<void> {
    for (const waiting of this.waiting.values()) waiting.reject(new HostError("stopped", true));
    this.waiting.clear();
  }

  end(): void {
    this.isEnded = true;
    this.model.off(MESSAGE, this.take);
    void this.stop();
  }
}
