/** Python in a worker: Pyodide, archlab's wheels, and the function that answers. Nothing comes from elsewhere. */

import type { FromWorker, ToWorker } from "./messages";

interface Pyodide {
  unpackArchive(buffer: ArrayBuffer, format: string): void;
  runPythonAsync(code: string): Promise<unknown>;
}

interface PyodideModule {
  loadPyodide(options: { indexURL: string; packageBaseUrl?: string }): Promise<Pyodide>;
}

type Call = (method: string, request: string) => string;

const BOOT = `
from archlab.studio.door import ask
ask
`;

const say = (message: FromWorker): void => postMessage(message);
let call: Call | null = null;

async function fetched(address: string): Promise<ArrayBuffer> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address.split("/").at(-1)} is not there (status ${response.status})`);
  return response.arrayBuffer();
}

/** Pyodide waits for ever where a file of it is not there. */
async function requireFiles(pyodide: string): Promise<void> {
  const files = ["pyodide.asm.wasm", "pyodide.asm.mjs", "python_stdlib.zip", "pyodide-lock.json"];
  const answers = await Promise.all(files.map((name) => fetch(pyodide + name, { method: "HEAD" })));
  const missing = files.filter((_, index) => answers[index]!.status === 404 || answers[index]!.status === 410);
  if (missing.length) throw new Error(`${missing.join(", ")} is not there`);
}

async function start(pyodide: string, wheels: string[]): Promise<void> {
  say({ kind: "progress", text: "Python is being loaded", share: 0.05 });
  const coming = wheels.map(fetched); // while Python is read
  coming.forEach((one) => void one.catch(() => {}));
  await requireFiles(pyodide);
  const module = (await import(/* @vite-ignore */ `${pyodide}pyodide.mjs`)) as PyodideModule;
  const python = await module.loadPyodide({ indexURL: pyodide, packageBaseUrl: pyodide });
  for (const [index, buffer] of coming.entries()) {
    say({ kind: "progress", text: "archlab is being loaded", share: 0.6 + (0.3 * index) / wheels.length });
    python.unpackArchive(await buffer, "wheel");
  }
  say({ kind: "progress", text: "archlab is being started", share: 0.9 });
  call = (await python.runPythonAsync(BOOT)) as Call;
  say({ kind: "ready" });
}

function words(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split("\n").at(-1)!.slice(0, 500); // of a traceback what it says, not where
}

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "start") {
    start(data.pyodide, data.wheels).catch((error: unknown) => say({ kind: "failed", message: words(error) }));
    return;
  }
  try {
    if (call === null) throw new Error("Python has not started");
    say({ kind: "answer", id: data.id, answer: call(data.method, data.request) });
  } catch (error) {
    say({ kind: "error", id: data.id, message: words(error) });
  }
});
