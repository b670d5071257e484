/** What page and worker say to one another. */

export type ToWorker =
  | { kind: "start"; pyodide: string; wheels: string[] }
  | { kind: "call"; id: number; method: string; request: string };

export type FromWorker =
  | { kind: "progress"; text: string; share: number }
  | { kind: "ready" }
  | { kind: "failed"; message: string }
  | { kind: "answer"; id: number; answer: string }
  | { kind: "error"; id: number; message: string };
