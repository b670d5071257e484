/** Python in a worker of this page; stopping it is ending the worker and starting another. */

import type { Answer, Hello, Method, Request } from "../protocol";
import { type Host, HostError, opened, type Progress } from "./host";
import type { FromWorker, ToWorker } from "./messages";

/** What of a worker is needed; a test has one of its own. */
export interface Workerlike {
  postMessage(message: ToWorker): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

interface Waiting {
  resolve(answer: string): void;
  reject(error: Error): void;
}

export class PyodideHost implements Host {
  readonly kind = "pyodide";
  private worker: Workerlike | null = null;
  private ready: Promise<void> = Promise.reject(new HostError("Python has not been started"));
  private readonly waiting = new Map<number, Waiting>();
  private failReady: (error: Error) => void = () => {};
  private next = 0;
  private tell: (progress: Progress) => void = () => {};

  /**
   * @param pyodide the folder of Pyodide's files, an address that ends in `/`.
   * @param wheels addresses, in the order in which they are unpacked.
   * @param hello what Python would answer, where the export knew it.
   * @param make makes the worker.
   */
  constructor(
    private readonly pyodide: string,
    private readonly wheels: string[],
    readonly hello: Hello | null,
    private readonly make: () => Workerlike,
  ) {
    this.ready.catch(() => {});
  }

  start(tell: (progress: Progress) => void): Promise<void> {
    this.tell = tell;
    const worker = this.make();
    this.worker = worker;
    this.ready = new Promise((resolve, reject) => {
      this.failReady = reject;
      worker.onmessage = ({ data }) => {
        if (data.kind === "progress") this.tell({ text: data.text, share: data.share });
        else if (data.kind === "ready") resolve();
        else if (data.kind === "failed") reject(new HostError(`Python could not be started: ${data.message}`));
        else this.finish(data);
      };
      worker.onerror = (event) => {
        this.end(new HostError(`Python could not be started: ${event.message || "its worker was not loaded"}`));
      };
    });
    this.ready.catch(() => {});
    worker.postMessage({ kind: "start", pyodide: this.pyodide, wheels: this.wheels });
    return this.ready;
  }

  private finish(data: Extract<FromWorker, { id: number }>): void {
    const waiting = this.waiting.get(data.id);
    this.waiting.delete(data.id);
    if (data.kind === "answer") waiting?.resolve(data.answer);
    else waiting?.reject(new HostError(data.message));
  }

  async call<M extends Method>(method: M, request: Request<M>): Promise<Answer<M>> {
    await this.ready;
    const id = this.next++;
    const answer = await new Promise<string>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker!.postMessage({ kind: "call", id, method, request: JSON.stringify(request) });
    });
    return opened(JSON.parse(answer));
  }

  private end(error: HostError): void {
    this.worker?.terminate();
    this.failReady(error);
    for (const waiting of this.waiting.values()) waiting.reject(error);
    this.waiting.clear();
  }

  stop(): Promise<void> {
    this.end(new HostError("stopped", true));
    return this.start(this.tell);
  }
}
