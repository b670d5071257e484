// Adds byte code to the wheels of an export, made by the Python that will run them: node byte_code.mjs FOLDER
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = resolve(process.argv[2]);
const wheels = join(folder, "wheels");
const program = join(dirname(fileURLToPath(import.meta.url)), "byte_code.py");
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide", "pyodide.mjs")));
const python = await loadPyodide({ indexURL: join(folder, "pyodide") });
for (const name of readdirSync(wheels)) {
  const { buffer } = Uint8Array.from(readFileSync(join(wheels, name)));
  python.unpackArchive(buffer, "wheel");
}
python.mountNodeFS("/wheels", wheels);
python.runPython(readFileSync(program, "utf8"));
python.runPython("add_byte_code(Path('/wheels'), needed())");
