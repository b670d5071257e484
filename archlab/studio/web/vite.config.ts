import { defineConfig } from "vitest/config";

export default defineConfig({
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
});
