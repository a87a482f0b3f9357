import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "count-reporter-"));
  await symlink(path.join(root, "node_modules"), path.join(folder, "node_modules"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Runs vitest on one test file and returns the last line that it printed. */
async function lastLineOf(test: string): Promise<string | undefined> {
  await writeFile(path.join(folder, "a.test.js"), `import { it } from "vitest";\n${test}`);
  const reporter = path.join(root, "scripts/count-reporter.mjs");
  const output = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      [
        path.join(root, "node_modules/vitest/vitest.mjs"),
        ...["run", "--root", folder, "--reporter=default", `--reporter=${reporter}`],
      ],
      { cwd: folder },
      (_error, stdout) => resolve(stdout),
    );
  });
  return output.trimEnd().split("\n").at(-1);
}

describe("the last line of a run", () => {
  it("counts what passed, failed and was skipped", async () => {
    const test = `
      it("a", () => {}); it("b", () => {});
      it("c", () => { throw new Error("no"); });
      it.skip("d", () => {});`;
    expect(await lastLineOf(test)).toBe("2 passed, 1 failed, 1 skipped");
  });

  it("says nothing of skipped tests when there are none", async () => {
    expect(await lastLineOf(`it("a", () => {});`)).toBe("1 passed, 0 failed");
  });

  it("counts a file that cannot be loaded as a failure", async () => {
    expect(await lastLineOf(`throw new Error("broken");`)).toBe("0 passed, 1 failed");
  });

  it("counts an error outside any test as a failure", async () => {
    const test = `it("a", async () => {
      void Promise.reject(new Error("lost"));
      await new Promise((resolve) => setImmediate(resolve));
    });`;
    expect(await lastLineOf(test)).toBe("1 passed, 1 failed");
  });
});
