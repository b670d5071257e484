// Answers of the studio in a browser's Python, run by node: an export's folder, a file of
// calls, and one for the answers with their times.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

process.on("uncaughtException", (error) => {
  process.stderr.write(`${String(error.message).slice(-1500)}\n`); // without the line of code, which is all of Pyodide
  process.exit(1);
});
const folder = resolve(process.argv[2]);
const host = JSON.parse(readFileSync(join(folder, "host.json"), "utf8"));
globalThis.fetch = () => { throw new Error("nothing may be asked elsewhere"); };

const start = performance.now();
const { loadPyodide } = await import(pathToFileURL(join(folder, host.pyodide, "pyodide.mjs")));
const pyodide = await loadPyodide({ indexURL: join(folder, host.pyodide) });
for (const wheel of host.wheels) {
  const bytes = readFileSync(join(folder, wheel));
  pyodide.unpackArchive(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength), "wheel");
}
pyodide.runPython("from archlab.studio.door import ask");
const ask = pyodide.globals.get("ask");
const loaded = performance.now() - start;

const calls = JSON.parse(readFileSync(process.argv[3], "utf8"));
const answers = calls.map(([method, request]) => {
  const from = performance.now();
  const answer = JSON.parse(ask(method, JSON.stringify(request)));
  return { answer, ms: performance.now() - from };
});
const modules = JSON.parse(pyodide.runPython("import json, sys; json.dumps(sorted(sys.modules))"));
writeFileSync(process.argv[4], JSON.stringify({ loaded, answers, modules, python: pyodide.runPython("sys.version.split()[0]") }));
