/** Which files of a model's folder are what. */

import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { InvalidOptionError } from "../../errors.ts";

/** How to get models. */
const SHERPA_DOWNLOAD =
  'Run "npx fastrtc models list" and "npx fastrtc models pull <name>", or unpack one of https://github.com/k2-fsa/sherpa-onnx/releases by hand.';

/** A model's folder. */
export class SherpaFiles {
  /** Where it is. */
  readonly path: string;
  readonly #names: readonly string[];
  readonly #quantized: boolean;

  /**
   * @param quantized - Whether the 8-bit variant of a file is taken where there is one.
   * @throws {@link InvalidOptionError} when it is no folder.
   */
  constructor(path: string | URL, quantized: boolean) {
    if (!(typeof path === "string" || (path as unknown) instanceof URL) || String(path) === "") {
      throw new InvalidOptionError("modelPath", path, SHERPA_DOWNLOAD);
    }
    this.path = resolve(path instanceof URL ? fileURLToPath(path) : path);
    if (!statSync(this.path, { throwIfNoEntry: false })?.isDirectory()) {
      throw new InvalidOptionError(
        "modelPath",
        String(path),
        `There is no folder ${this.path}. ${SHERPA_DOWNLOAD}`,
      );
    }
    this.#names = readdirSync(this.path).sort();
    this.#quantized = quantized;
  }

  /** Tells whether there is a file of that kind. */
  has(pattern: RegExp): boolean {
    return this.#names.some((name) => pattern.test(name));
  }

  /**
   * Returns the path of a file.
   *
   * @param what - What it is, for the error.
   * @throws {@link InvalidOptionError} when there is none, or nothing in it.
   */
  find(what: string, pattern: RegExp): string {
    const found = this.#names.filter((name) => pattern.test(name));
    const isQuantized = (name: string): boolean => /\bint8\b/.test(name);
    const name = found.find((file) => isQuantized(file) === this.#quantized) ?? found[0];
    if (name === undefined) {
      throw new InvalidOptionError(
        "modelPath",
        this.path,
        `There is no ${what} in it (a file like ${pattern.source}); there are ${this.#names.join(", ") || "no files"}. ${SHERPA_DOWNLOAD}`,
      );
    }
    const path = join(this.path, name);
    // Also a folder, such as espeak-ng-data. The native library ends the process over an empty file.
    const stats = statSync(path);
    if (stats.isFile() && stats.size < MIN_FILE_BYTES) {
      throw new InvalidOptionError(
        "modelPath",
        path,
        `The file has ${stats.size} bytes: a download that broke off, or a Git LFS pointer. ${SHERPA_DOWNLOAD}`,
      );
    }
    return path;
  }

  /** Returns the path of a file that not every model has; the empty string, which means none. */
  optional(pattern: RegExp): string {
    return this.has(pattern) ? this.find("", pattern) : "";
  }
}

const MIN_FILE_BYTES = 200;
