/** Plants each fault that the import law forbids and looks whether dependency-cruiser objects. */

import { execFile } from "node:child_process";
import { appendFile, cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const SRC = "packages/fastrtc/src";

/** A small workspace that obeys the law. */
const LAWFUL: Readonly<Record<string, string>> = {
  "packages/fastrtc/package.json": `{ "name": "fastrtc", "dependencies": { "werift": "*" } }`,
  "packages/client/package.json": `{ "name": "@fastrtc/client" }`,
  "packages/react/package.json": `{ "name": "@fastrtc/react" }`,
  "packages/protocol/package.json": `{ "name": "@fastrtc/protocol" }`,
  "packages/protocol/src/index.ts": `export const version = 1;`,
  "packages/client/src/index.ts": `export { version } from "@fastrtc/protocol";`,
  "packages/react/src/index.ts": `export { version } from "@fastrtc/client";`,
  [`${SRC}/errors.ts`]: `export class FastRTCError extends Error {}`,
  [`${SRC}/media/frame.ts`]: `import "../errors.ts"; export const frame = 1;`,
  [`${SRC}/codec/opus.ts`]: `import "../media/frame.ts"; export const opus = 1;`,
  [`${SRC}/turn/detector.ts`]: `import "../media/frame.ts"; export const detector = 1;`,
  [`${SRC}/observe/logger.ts`]: `import "../errors.ts"; export const logger = 1;`,
  [`${SRC}/models/speech.ts`]: `import "../media/frame.ts"; export const speech = 1;`,
  [`${SRC}/session/context/context.ts`]: `import "../../errors.ts"; export const context = 1;`,
  [`${SRC}/handler/reply.ts`]: `import "../session/context/context.ts"; import "../turn/detector.ts"; export const reply = 1;`,
  [`${SRC}/transport/socket.ts`]: `import "@fastrtc/protocol"; import "../observe/logger.ts"; import "werift"; export const socket = 1;`,
  [`${SRC}/session/session.ts`]: `import "../handler/reply.ts"; import "../transport/socket.ts"; import "../codec/opus.ts"; import "../models/speech.ts"; export const session = 1;`,
  [`${SRC}/http/node.ts`]: `import "../session/session.ts"; export const node = 1;`,
  [`${SRC}/stream.ts`]: `import "./http/node.ts"; export const stream = 1;`,
  [`${SRC}/testing/index.ts`]: `import "../stream.ts"; export const testing = 1;`,
  [`${SRC}/index.ts`]: `export { stream } from "./stream.ts";`,
  [`${SRC}/stream.test.ts`]: `import "./testing/index.ts"; import "./stream.ts";`,
  "examples/echo/index.ts": `import "fastrtc"; import "fastrtc/testing";`,
};

/** One import that the law forbids: the rule, the importing file, what it imports. */
const FAULTS: readonly (readonly [rule: string, file: string, imported: string])[] = [
  ["law-errors", `${SRC}/errors.ts`, "./media/frame.ts"],
  ["law-media", `${SRC}/media/a.ts`, "../codec/opus.ts"],
  ["law-media", `${SRC}/media/b.ts`, "@fastrtc/protocol"],
  ["law-codec", `${SRC}/codec/a.ts`, "../observe/logger.ts"],
  ["law-turn", `${SRC}/turn/a.ts`, "../transport/socket.ts"],
  ["law-observe", `${SRC}/observe/a.ts`, "../session/context/context.ts"],
  ["law-models", `${SRC}/models/a.ts`, "../turn/detector.ts"],
  ["law-handler", `${SRC}/handler/a.ts`, "../session/session.ts"],
  ["law-handler", `${SRC}/handler/b.ts`, "../codec/opus.ts"],
  ["law-transport", `${SRC}/transport/a.ts`, "../codec/opus.ts"],
  ["law-transport", `${SRC}/transport/b.ts`, "../session/context/context.ts"],
  ["law-session", `${SRC}/session/a.ts`, "../http/node.ts"],
  ["law-session", `${SRC}/session/b.ts`, "../stream.ts"],
  ["law-session/context", `${SRC}/session/context/a.ts`, "../session.ts"],
  ["law-session/store", `${SRC}/session/store/a.ts`, "../session.ts"],
  ["law-session/backplane", `${SRC}/session/backplane/a.ts`, "../session.ts"],
  ["law-redis", `${SRC}/redis/a.ts`, "../session/session.ts"],
  ["law-cluster", `${SRC}/cluster/a.ts`, "../session/session.ts"],
  ["law-http", `${SRC}/http/a.ts`, "../stream.ts"],
  ["law-stream", `${SRC}/stream.ts`, "./index.ts"],
  ["every-folder-has-a-law", `${SRC}/extras/a.ts`, "../errors.ts"],
  ["testing-stays-out", `${SRC}/index.ts`, "./testing/index.ts"],
  ["tests-are-not-imported", `${SRC}/index.ts`, "./stream.test.ts"],
  ["protocol-imports-nothing", "packages/protocol/src/a.ts", "zod"],
  ["protocol-imports-nothing", "packages/protocol/src/b.ts", "node:buffer"],
  ["client-imports-protocol-only", "packages/client/src/a.ts", "react"],
  ["client-imports-protocol-only", "packages/client/src/b.ts", "node:fs"],
  ["browsers-have-no-node", "packages/client/src/b.ts", "node:fs"],
  ["react-imports-client-only", "packages/react/src/a.ts", "fastrtc"],
  ["playground-is-a-page", "packages/playground/src/a.ts", "fastrtc"],
  ["server-has-no-browser-code", `${SRC}/http/b.ts`, "@fastrtc/client"],
  ["examples-use-the-public-surface", "examples/echo/a.ts", `../../${SRC}/stream.ts`],
  ["declared-dependencies-only", `${SRC}/models/b.ts`, "zod"],
  ["no-unresolvable", `${SRC}/models/c.ts`, "./gone.ts"],
  ["no-cycles", `${SRC}/media/cycle.ts`, "./frame.ts"],
  ["no-orphans", `${SRC}/media/alone.ts`, ""],
];

/** Writes a workspace, judges it, and removes it; returns `rule: file` of each violation. */
async function judge(files: readonly (readonly [file: string, text: string])[]): Promise<string[]> {
  const workspace = await mkdtemp(path.join(tmpdir(), "boundaries-"));
  try {
    for (const file of [".dependency-cruiser.cjs", ".dependency-cruiser.resolve.cjs"]) {
      await cp(path.join(root, file), path.join(workspace, file));
    }
    await symlink(path.join(root, "node_modules"), path.join(workspace, "node_modules"));
    for (const [file, text] of files) {
      await mkdir(path.dirname(path.join(workspace, file)), { recursive: true });
      await appendFile(path.join(workspace, file), `${text}\n`);
    }
    return await violationsIn(workspace);
  } finally {
    await rm(workspace, { recursive: true });
  }
}

function violationsIn(workspace: string): Promise<string[]> {
  const cruiser = path.join(root, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const options = ["--config", ".dependency-cruiser.cjs", "--output-type", "json"];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [cruiser, "packages", "examples", ...options],
      { cwd: workspace, maxBuffer: 1 << 24 },
      (error, stdout, stderr) => {
        // Violations are an exit code as well; without a report it is a crash.
        if (stdout === "") reject(error ?? new Error(stderr));
        else resolve((JSON.parse(stdout) as Report).summary.violations.map(nameOf));
      },
    );
  });
}

function typeImport(from: string): string {
  return from === "" ? "export {};" : `import type {} from "${from}";`;
}

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
}

interface Report {
  readonly summary: { readonly violations: readonly Violation[] };
}

const nameOf = (violation: Violation): string => `${violation.rule.name}: ${violation.from}`;

describe("the import law", () => {
  it("has nothing against a workspace that obeys it", async () => {
    expect(await judge(Object.entries(LAWFUL))).toEqual([]);
  });

  it("names every fault, also when only a type is imported", async () => {
    const violations = await judge([
      ...Object.entries(LAWFUL),
      ...FAULTS.map(([, file, imported]) => [file, typeImport(imported)] as const),
      [`${SRC}/media/frame.ts`, typeImport("./cycle.ts")],
    ]);
    const expected = FAULTS.map(([rule, file]) => `${rule}: ${file}`);
    expect(expected.filter((fault) => !violations.includes(fault))).toEqual([]);
  });

  it("has a planted fault for every rule", () => {
    const config = createRequire(import.meta.url)("../.dependency-cruiser.cjs") as {
      readonly forbidden: readonly { readonly name: string }[];
    };
    const planted = new Set(FAULTS.map(([rule]) => rule));
    expect(config.forbidden.map((rule) => rule.name).sort()).toEqual([...planted].sort());
  });
});
