/** Where downloaded models are on this machine, and how they get there. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";

import { InvalidOptionError, InvalidStateError, ModelError } from "../errors.ts";
import { CATALOG, CATALOG_URL } from "./catalog.ts";
import type { CatalogModel } from "./catalog.ts";
import { download, verify } from "./model-download.ts";
import type { Download } from "./model-download.ts";

const execute = promisify(execFile);

/** How a model is brought here. */
export interface PullOptions {
  /** An archive that was downloaded elsewhere, for a machine without a network. */
  readonly from?: string | undefined;
  /** Told how a file comes along. */
  readonly onProgress?:
    ((file: string, received: number, total: number | undefined) => void) | undefined;
}

/** Returns the folder of all models: `FASTRTC_MODELS` of the environment, else below `~/.cache`. */
export function modelsFolder(): string {
  const given = process.env["FASTRTC_MODELS"];
  return given === undefined || given === ""
    ? join(homedir(), ".cache", "fastrtc", "models")
    : given;
}

/**
 * Finds a model of the catalog.
 *
 * @param name - Its name, or a part of it that no other has.
 * @throws {@link InvalidOptionError} when there is none, or more than one.
 */
export function findModel(name: string): CatalogModel {
  const exact = CATALOG.find((model) => model.name === name);
  if (exact) return exact;
  const [first, ...others] = CATALOG.filter((model) => model.name.includes(name));
  if (first && others.length === 0) return first;
  const names = (first ? [first, ...others] : CATALOG).map((model) => model.name).join(", ");
  throw new InvalidOptionError("model", name, `Give one of ${names}.`);
}

/** Returns where a model is, undefined when it is not here. */
export function pathOfModel({ name }: CatalogModel): string | undefined {
  const path = join(modelsFolder(), name);
  return existsSync(path) ? path : undefined;
}

/**
 * Downloads and unpacks a model; does nothing for one that is here.
 *
 * @returns Its folder.
 * @throws {@link ModelError} when the download or the unpacking fails, saying what to do.
 */
export async function pullModel(model: CatalogModel, options: PullOptions = {}): Promise<string> {
  const there = pathOfModel(model);
  if (there !== undefined) return there;
  const folder = modelsFolder();
  const downloads = join(folder, ".downloads");
  await mkdir(downloads, { recursive: true });
  const fetched: string[] = [];
  for (const [index, { path, bytes, sha256 }] of model.files.entries()) {
    const name = basename(path);
    const file = join(downloads, name);
    const wanted: Download = {
      url: `${baseUrl()}/${path}`,
      file,
      bytes,
      sha256,
      onProgress: (received, total) => options.onProgress?.(name, received, total),
    };
    if (index === 0 && options.from !== undefined) {
      await copyFile(options.from, file);
      await verify(file, wanted);
    } else if (!existsSync(file)) {
      await download(wanted).catch((error: unknown) => {
        throw withRemedy(error, model.name, wanted.url);
      });
    }
    fetched.push(file);
  }
  const path = await assemble(model, fetched, downloads);
  for (const file of fetched) await rm(file, { force: true });
  return path;
}

/** A company's mirror may stand for the publisher. */
function baseUrl(): string {
  const given = process.env["FASTRTC_MODELS_URL"];
  return given === undefined || given === "" ? CATALOG_URL : given.replace(/\/+$/, "");
}

// In a folder of its own first, so that a model is there whole or not at all.
async function assemble(
  model: CatalogModel,
  files: readonly string[],
  downloads: string,
): Promise<string> {
  const scratch = await mkdtemp(join(downloads, "unpack-"));
  try {
    for (const file of files) {
      if (file.endsWith(".tar.bz2")) await unpack(file, scratch);
    }
    const [only, ...others] = await readdir(scratch, { withFileTypes: true });
    if (!only) throw new ModelError(model.name, "The archive is empty.");
    const root = others.length === 0 && only.isDirectory() ? join(scratch, only.name) : scratch;
    for (const file of files) {
      if (!file.endsWith(".tar.bz2")) await copyFile(file, join(root, basename(file)));
    }
    const path = join(modelsFolder(), model.name);
    await rename(root, path);
    return path;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function unpack(archive: string, into: string): Promise<void> {
  try {
    await execute("tar", ["-xjf", archive, "--no-same-owner", "-C", into]);
  } catch (cause) {
    if ((cause as { readonly code?: unknown }).code === "ENOENT") {
      throw new InvalidStateError("Unpacking needs the program tar, which is not installed.", {
        cause,
      });
    }
    const { stderr } = cause as { readonly stderr?: unknown };
    await rm(archive, { force: true });
    throw new ModelError(
      basename(archive),
      `tar cannot unpack it: ${String(stderr).trim().split("\n")[0] ?? "no reason given"}. It was removed. If bzip2 is missing, install it (apt-get install bzip2); else try again.`,
      { cause },
    );
  }
}

function withRemedy(error: unknown, name: string, url: string): unknown {
  if (!(error instanceof ModelError) || error.status !== undefined || !error.cause) return error;
  return new ModelError(
    error.model,
    `${error.message.slice(error.model.length + 2)} Without a network: download ${url} elsewhere, bring it here, and run "fastrtc models pull ${name} --from <file>".`,
    { cause: error },
  );
}
