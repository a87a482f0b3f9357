import { pathToFileURL } from "node:url";

/**
 * Loads an application: its module runs as if node had been started with it.
 *
 * @param file - Its absolute path.
 * @param args - What the application finds in `process.argv` after its own name.
 */
export async function loadApplication(file: string, args: readonly string[]): Promise<void> {
  process.argv = [process.execPath, file, ...args];
  await import(pathToFileURL(file).href);
}
