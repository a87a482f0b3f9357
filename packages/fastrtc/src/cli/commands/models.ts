/** `fastrtc models`: shows, downloads and finds models that run on this machine. */

import { parseArgs } from "node:util";

import { isFastRTCError } from "../../errors.ts";
import { CATALOG } from "../../models/catalog.ts";
import { findModel, modelsFolder, pathOfModel, pullModel } from "../../models/model-store.ts";
import { UsageError } from "../command.ts";
import type { Command, CommandIo } from "../command.ts";

const usage = `Usage: fastrtc models list
       fastrtc models pull <name> [--from <file>]
       fastrtc models path <name>

list shows the models that are known, and which of them are here. pull downloads one, from where it
broke off, checks it, and unpacks it. path prints the folder of one that is here. A part of a name
will do where no other has it.

Options:
  --from <file>  takes an archive that was downloaded elsewhere, for a machine without a network
  --help         shows this

Environment:
  FASTRTC_MODELS      where models are kept (default ~/.cache/fastrtc/models)
  FASTRTC_MODELS_URL  a mirror of https://github.com/k2-fsa/sherpa-onnx/releases/download
`;

/** Shows, downloads and finds models. */
export const models: Command = { usage, run };

async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { from: { type: "string" } },
  });
  const [action, name, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`Give one model, not also ${JSON.stringify(rest[0])}.`);
  if (action === "list" && name === undefined) return list(io);
  if (action !== "pull" && action !== "path") {
    throw new UsageError('Give "list", "pull <name>" or "path <name>".');
  }
  if (name === undefined) throw new UsageError(`Give the name of the model to ${action}.`);
  try {
    return action === "pull" ? await pull(name, values.from, io) : path(name, io);
  } catch (error) {
    if (!isFastRTCError(error)) throw error;
    if (error.code === "INVALID_OPTION") throw new UsageError(error.message);
    io.err(`fastrtc: ${error.message}\n`);
    return 1;
  }
}

function list(io: CommandIo): number {
  const rows = CATALOG.map((model) => [
    model.name,
    model.kind,
    model.languages.join(" "),
    `${model.megabytes} MB`,
    model.licence,
    model.about,
    pathOfModel(model) === undefined ? "" : "here",
  ]);
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) => cell.padEnd(widths?.[column] ?? 0));
    io.out(`${cells.join("  ").trimEnd()}\n`);
  }
  io.err(`Models are kept in ${modelsFolder()}.\n`);
  return 0;
}

async function pull(name: string, from: string | undefined, io: CommandIo): Promise<number> {
  const model = findModel(name);
  if (pathOfModel(model) === undefined) {
    io.err(`${model.name}: ${model.megabytes} MB, licence: ${model.licence}\n`);
    if (model.files.some(({ sha256 }) => sha256 === undefined)) {
      io.err("Its publisher states no checksum, and none is known: only its size is checked.\n");
    }
  }
  let told = -1;
  const onProgress = (file: string, received: number, total: number | undefined): void => {
    const step = Math.floor(total === undefined ? received / 10_000_000 : (10 * received) / total);
    if (step === told) return;
    told = step;
    const share = total === undefined ? "" : ` of ${megabytes(total)}`;
    io.err(`${file}: ${megabytes(received)}${share}\n`);
  };
  io.out(`${await pullModel(model, { from, onProgress })}\n`);
  return 0;
}

function path(name: string, io: CommandIo): number {
  const model = findModel(name);
  const found = pathOfModel(model);
  if (found === undefined) {
    io.err(`fastrtc: ${model.name} is not here. Run "fastrtc models pull ${model.name}".\n`);
    return 1;
  }
  io.out(`${found}\n`);
  return 0;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
