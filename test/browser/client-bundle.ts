/**
 * The client as a page of one's own loads it: one minified script, with nothing beside it.
 */

import { fileURLToPath } from "node:url";
import { build } from "vite";

const source = (path: string): string =>
  fileURLToPath(new URL(`../../packages/${path}/src/index.ts`, import.meta.url));

/** Returns a script that defines the global `FastRTC`, with everything that the client exports. */
export async function bundleClient(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: "silent",
    resolve: { alias: { "@fastrtc/protocol": source("protocol") } },
    build: {
      write: false,
      minify: true,
      lib: { entry: source("client"), formats: ["iife"], name: "FastRTC" },
    },
  });
  const [bundle] = Array.isArray(result) ? result : [];
  const script = bundle?.output.find((file) => file.type === "chunk");
  if (script === undefined) throw new Error("Vite has built no script.");
  return script.code;
}
