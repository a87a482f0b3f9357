/** An example as a user starts it: a process of its own, in its folder, on a free port. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const EXAMPLES = new URL("../../examples/", import.meta.url);
const START_TIMEOUT_MS = 30_000;

/** A running example. */
export interface ExampleProcess {
  /** What it printed: where it can be talked to, with a slash at the end. */
  readonly url: string;
  /** Everything that it has printed so far. */
  printed(): string;
  /** Ends it, whatever it is doing. */
  stop(): Promise<void>;
}

/** What an example may be told. */
export interface ExampleOptions {
  /** The script of its package.json that starts it. @defaultValue "start" */
  readonly script?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts an example and waits for its address.
 *
 * @throws Error with everything that it printed, when it ends or stays silent.
 */
export async function startExample(
  name: string,
  { script = "start", env = {} }: ExampleOptions = {},
): Promise<ExampleProcess> {
  const folder = new URL(`${name}/`, EXAMPLES);
  const { scripts } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8")) as {
    scripts: Record<string, string>;
  };
  const [program, file] = scripts[script]?.split(" ") ?? [];
  if (program !== "tsx" || file === undefined) {
    throw new Error(`examples/${name}: the script "${script}" is not "tsx <file>".`);
  }
  // What `npm run` would start, without the two processes in between.
  const child = spawn(process.execPath, ["--import", "tsx", file], {
    cwd: fileURLToPath(folder),
    env: { ...process.env, PORT: "0", HOST: "127.0.0.1", NODE_ENV: "", VITEST: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  let output = "";
  const printed = (): string => output;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (part: Buffer) => (output += part.toString()));
  }
  try {
    return { url: await printedUrl(child, printed), printed, stop };
  } catch (error) {
    await stop();
    throw new Error(`examples/${name} did not start.`, { cause: error });
  }
}

function printedUrl(child: ChildProcess, printed: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (): void => {
      clearTimeout(timer);
      reject(new Error(`It printed:\n${printed()}`));
    };
    const timer = setTimeout(fail, START_TIMEOUT_MS);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", () => {
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(printed())?.[0];
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(`${found}/`);
      });
    }
    child.once("exit", fail);
  });
}
