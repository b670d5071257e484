import { defineConfig, type ViteUserConfig } from "vitest/config";

const PAGE: ViteUserConfig = {
  base: "./", // the same files stand in any folder of any host
  build: {
    outDir: "dist",
    target: "es2022",
    license: { fileName: "licenses.md" }, // of all that is bundled
    modulePreload: { polyfill: false }, // it would be one more script, for browsers that the target leaves out
    assetsInlineLimit: 0, // a data: URL is no file of this origin
    reportCompressedSize: false,
  },
  worker: { format: "es" },
  test: { include: ["test/**/*.test.ts"] },
};

/** The same in one module that a notebook shows, beside the page; what it bundles is among what the page does. */
const NOTEBOOK: ViteUserConfig = {
  build: {
    outDir: "dist",
    emptyOutDir: false,
    target: "es2022",
    lib: { entry: "src/notebook.ts", formats: ["es"], fileName: () => "notebook.js" },
    rolldownOptions: { output: { minify: true } }, // which vite leaves out of a library's module
    reportCompressedSize: false,
  },
};

export default defineConfig(({ mode }) => (mode === "notebook" ? NOTEBOOK : PAGE));
