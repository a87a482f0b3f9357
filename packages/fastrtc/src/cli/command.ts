/**
 * What a command of the `fastrtc` program is. One file in `commands/` is one command; its line in
 * the table of `main.ts` makes it known.
 */

/** One command of the program. */
export interface Command {
  /** How it is called and what it takes, for `fastrtc <command> --help`; ends in a newline. */
  readonly usage: string;
  /**
   * Carries it out.
   *
   * @param args - What stands after the command's name.
   * @returns the exit code, or undefined when the process goes on and ends by itself.
   * @throws {@link UsageError} when the arguments do not fit.
   */
  run(args: readonly string[], io: CommandIo): Promise<number | undefined>;
}

/** Where a command writes. */
export interface CommandIo {
  /** Writes what was asked for. */
  out(text: string): void;
  /** Writes what went wrong, or how it goes on. */
  err(text: string): void;
}

/** The command was called wrongly: the program prints the message and ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
