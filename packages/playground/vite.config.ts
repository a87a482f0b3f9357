import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // Relative, so that the page works below any mount path.
  base: "./",
  resolve: {
    alias: {
      "@fastrtc/client": source("../client/src/index.ts"),
      "@fastrtc/protocol": source("../protocol/src/index.ts"),
    },
  },
  build: {
    outDir: "../fastrtc/page",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // The page must work without the internet and without `data:` in a content security policy.
    assetsInlineLimit: 0,
  },
});
