import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";

const root = new URL("..", import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, root), "utf8");
const examples = readdirSync(new URL("examples", root), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

let child: ChildProcess | undefined;

afterEach(() => child?.kill("SIGKILL"));

/** Starts an example on a free port; resolves with the URL that it prints. */
async function start(name: string): Promise<string> {
  child = spawn(process.execPath, ["--import", "tsx", `examples/${name}/index.ts`], {
    cwd: root,
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on("data", (part: Buffer) => (printed += part.toString()));
  }
  while (child.exitCode === null) {
    const url = /http:\/\/\S+/.exec(printed)?.[0];
    if (url !== undefined) return url;
    await Promise.race([once(child.stdout!, "data"), once(child, "exit")]);
  }
  throw new Error(`examples/${name} ended with ${child.exitCode}:\n${printed}`);
}

describe("the examples", () => {
  it("have the README's first one among them, letter for letter", () => {
    const [, code] = /```ts\n([\s\S]*?)```/.exec(text("README.md")) ?? [];
    expect(code).toBe(text("examples/echo/index.ts"));
  });

  it.each(examples)("%s starts, and serves its page and its config", async (name) => {
    const url = await start(name);
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<title>");
    const config: unknown = await (await fetch(new URL("config", url))).json();
    expect(config).toMatchObject({ modality: "audio", mode: "send-receive" });
  });
});
