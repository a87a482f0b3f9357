/**
 * Packs what is published, as it would be published.
 */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { StepFailed, capture, npm } from "./progress.mjs";

/** The packages on npm, in the order in which they depend on each other. */
const published = ["@fastrtc/protocol", "@fastrtc/client", "@fastrtc/react", "fastrtc"];

/** @typedef {{ name: string, filename: string, size: number, entryCount: number }} Packed */

/**
 * Packs every published package into a new folder.
 *
 * @returns {Promise<{ folder: string, tarballs: Record<string, string> }>} The folder, for the
 *   caller to remove, and each package's archive.
 * @throws {StepFailed} when npm refuses.
 */
export async function packAll() {
  const folder = mkdtempSync(path.join(tmpdir(), "fastrtc-pack-"));
  const { code, output } = await capture(
    npm(
      ...["pack", "--json", "--silent", "--pack-destination", folder],
      ...published.flatMap((name) => ["--workspace", name]),
    ),
  );
  const start = output.indexOf("[");
  if (code !== 0 || start < 0) throw new StepFailed("npm pack", output);
  /** @type {Record<string, string>} */
  const tarballs = {};
  for (const packed of /** @type {Packed[]} */ (JSON.parse(output.slice(start)))) {
    tarballs[packed.name] = path.join(folder, packed.filename);
    const kilobytes = Math.round(packed.size / 1024);
    console.log(`${packed.name}: ${kilobytes} KB packed, ${packed.entryCount} files`);
  }
  return { folder, tarballs };
}
