/**
 * Brings files of the network into a folder: resumes what broke off, checks what came, and puts
 * nothing in place that is not whole.
 */

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { ModelError } from "../errors.ts";
import { systemClock } from "../media/clock.ts";
import type { Timer } from "../media/clock.ts";

/** What is to be downloaded, and where to. */
export interface Download {
  readonly url: string;
  /** Where the file is when it is whole; until then it is there as `….part`. */
  readonly file: string;
  readonly bytes?: number | undefined;
  readonly sha256?: string | undefined;
  /** Told how much is there, and how much there will be, where the server says so. */
  readonly onProgress: (received: number, total: number | undefined) => void;
}

/** How long the server may be silent, in milliseconds. */
const SILENCE_MS = 30_000;

/**
 * Downloads a file, from where it broke off if it did.
 *
 * @throws {@link ModelError} saying what to do: without a network, when the server refuses, and when
 * what came is not what was meant to come.
 */
export async function download(wanted: Download): Promise<void> {
  const part = `${wanted.file}.part`;
  await mkdir(dirname(wanted.file), { recursive: true });
  await fetchInto(part, wanted);
  await verify(part, wanted);
  await rename(part, wanted.file);
  await rm(`${part}.etag`, { force: true });
}

/**
 * Checks a file's size and checksum, as far as they are known; a wrong file is removed.
 *
 * @throws {@link ModelError} when they differ.
 */
export async function verify(
  file: string,
  { bytes, sha256, url }: Pick<Download, "bytes" | "sha256" | "url">,
): Promise<void> {
  const name = basename(url);
  const there = await sizeOf(file);
  const digest = sha256 === undefined ? undefined : await sha256Of(file);
  if ((bytes === undefined || bytes === there) && digest === sha256) return;
  await rm(file, { force: true });
  await rm(`${file}.etag`, { force: true });
  throw new ModelError(
    name,
    `What came is not the published file: it has ${there} bytes${digest === undefined ? "" : ` and the SHA-256 ${digest}`}; ${bytes ?? "unknown"} bytes${sha256 === undefined ? "" : ` and ${sha256}`} were expected. It was removed; try again, and if that does not help, the publisher has replaced it.`,
  );
}

async function fetchInto(part: string, { url, onProgress }: Download): Promise<void> {
  const name = basename(url);
  const controller = new AbortController();
  let timer: Timer | undefined;
  const listen = (): void => {
    timer?.cancel();
    timer = systemClock.setTimeout(() => {
      controller.abort(new Error(`nothing came for ${SILENCE_MS / 1000} s`));
    }, SILENCE_MS);
  };
  try {
    listen();
    let start = await sizeOf(part);
    const etag = await readFile(`${part}.etag`, "utf8").catch(() => undefined);
    // A file that has changed meanwhile comes whole: RFC 9110 section 13.1.5.
    const resume = start > 0 && etag !== undefined;
    const headers = resume ? { range: `bytes=${start}-`, "if-range": etag } : undefined;
    const response = await fetch(url, { ...(headers && { headers }), signal: controller.signal });
    if (response.status === 416) {
      // Nothing is left to come; whether that is right, the check will tell.
      await response.body?.cancel();
      return;
    }
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new ModelError(
        name,
        `${new URL(url).host} answered ${response.status} for ${url}. Look at https://github.com/k2-fsa/sherpa-onnx/releases whether it has moved.`,
        { status: response.status },
      );
    }
    if (response.status !== 206) start = 0;
    const length = Number(response.headers.get("content-length"));
    const total = length > 0 ? start + length : undefined;
    const newEtag = response.headers.get("etag");
    if (newEtag !== null && !newEtag.startsWith("W/")) await writeFile(`${part}.etag`, newEtag);
    let received = start;
    await pipeline(
      Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]),
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          listen();
          received += chunk.length;
          onProgress(received, total);
          yield chunk;
        }
      },
      createWriteStream(part, { flags: start > 0 ? "a" : "w" }),
    );
    if (total !== undefined && received !== total) throw new Error("the connection broke off");
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    const error = controller.signal.aborted ? (controller.signal.reason as Error) : cause;
    throw new ModelError(
      name,
      `The download from ${new URL(url).host} failed: ${reasonOf(error)}. What came is kept: the next attempt goes on from there.`,
      { cause },
    );
  } finally {
    timer?.cancel();
  }
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

function reasonOf(error: unknown): string {
  let reason = "no reason given";
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, message } = at as { readonly code?: unknown; readonly message: string };
    if (typeof code === "string") return code;
    reason = message;
  }
  return reason;
}
