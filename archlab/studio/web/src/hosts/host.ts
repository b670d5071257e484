/** Where Python runs: behind HTTP on this machine, in a worker of this page, or in a notebook's kernel. The page knows no more than this. */

import type { Answer, Hello, Method, Request } from "../protocol";

export interface Progress {
  /** What is done now, in words. */
  text: string;
  /** From 0 to 1; null where it is not known. */
  share: number | null;
}

export interface Host {
  readonly kind: "http" | "pyodide" | "notebook";
  /** The answer of `hello` where it is known before Python is. */
  readonly hello: Hello | null;
  /** Starts what has to be started; `ready` again after a stop. */
  start(tell: (progress: Progress) => void): Promise<void>;
  /** @throws HostError in words that can be shown. */
  call<M extends Method>(method: M, request: Request<M>): Promise<Answer<M>>;
  /** Gives up what is being worked out; ready for the next call as soon as it resolves. */
  stop(): Promise<void>;
}

/** Something went wrong between page and Python; the message is for people. */
export class HostError extends Error {
  constructor(
    message: string,
    /** Whether it was given up because someone asked for that. */
    readonly isStopped = false,
    /** Whether the file is another one than the page has read. */
    readonly isChanged = false,
  ) {
    super(message);
  }
}

/** The answer itself, or the error that it holds. */
export function opened<A>(answer: unknown): A {
  if (typeof answer !== "object" || answer === null) throw new HostError("archlab gave an answer that cannot be read");
  if ("error" in answer && typeof answer.error === "string") throw new HostError(answer.error, false, "changed" in answer && answer.changed === true);
  return answer as A;
}
