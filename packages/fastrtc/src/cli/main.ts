/**
 * The `fastrtc` program: finds the command, runs it, and says in one line what is wrong with a call.
 *
 * In come the arguments, out goes the exit code: 0 done, 1 failed, 2 called wrongly. `bin.ts` calls
 * it; a command is loaded only when it is run.
 */

import { createRequire } from "node:module";

import { UsageError } from "./command.ts";
import type { Command, CommandIo } from "./command.ts";

interface CommandEntry {
  /** What it does, in half a line. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const COMMANDS: ReadonlyMap<string, CommandEntry> = new Map<string, CommandEntry>([
  [
    "start",
    {
      summary: "runs an application, in one process or in several",
      load: async () => (await import("./commands/start.ts")).start,
    },
  ],
  [
    "models",
    {
      summary: "lists and downloads models that run on this machine",
      load: async () => (await import("./commands/models.ts")).models,
    },
  ],
]);

/**
 * Runs one command.
 *
 * @param args - What stands after the program's name.
 * @returns the exit code, or undefined when the process goes on and ends by itself.
 */
export async function main(args: readonly string[], io: CommandIo): Promise<number | undefined> {
  const [name, ...rest] = args;
  try {
    switch (name) {
      case undefined:
        throw new UsageError('Give a command, such as "start".');
      case "--help":
      case "-h":
      case "help":
        io.out(usage());
        return 0;
      case "--version":
      case "-v":
        io.out(`${version()}\n`);
        return 0;
      default: {
        const entry = COMMANDS.get(name);
        if (!entry) throw new UsageError(unknown(name));
        const command = await entry.load();
        if (asksForHelp(rest)) {
          io.out(command.usage);
          return 0;
        }
        return await command.run(rest, io);
      }
    }
  } catch (error) {
    if (!isUsageError(error)) throw error;
    const help = name !== undefined && COMMANDS.has(name) ? `fastrtc ${name} --help` : undefined;
    io.err(`fastrtc: ${error.message}\nTry "${help ?? "fastrtc --help"}".\n`);
    return 2;
  }
}

function usage(): string {
  const width = Math.max(...Array.from(COMMANDS.keys(), (name) => name.length));
  const lines = Array.from(
    COMMANDS,
    ([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}\n`,
  );
  return `Usage: fastrtc <command> [options]

Commands:
${lines.join("")}
Options:
  --help     shows this; after a command, what that takes
  --version  shows the version
`;
}

function unknown(name: string): string {
  const what = name.startsWith("-") ? "option" : "command";
  return `There is no ${what} ${JSON.stringify(name)}.`;
}

// What stands behind "--" is the application's own.
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const ours = end === -1 ? args : args.slice(0, end);
  return ours.includes("--help") || ours.includes("-h");
}

// parseArgs of node:util says what does not fit with codes of its own.
function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && code.startsWith("ERR_PARSE_ARGS_");
}

function version(): string {
  const manifest = createRequire(import.meta.url)("../../package.json") as { version: string };
  return manifest.version;
}
