/**
 * Runs the flite command inside the process: arguments in, the WAV file that it writes out.
 *
 * A program of WASI sees files through functions that it imports. These give it one directory, in
 * which it can write one file, and nothing else of the machine.
 */

import { ModelError } from "../../errors.ts";
import { webAssembly } from "../../media/webassembly.ts";

/** Of the interface `wasi_snapshot_preview1`. */
const OK = 0;
const BAD_DESCRIPTOR = 8;
const NO_ENTRY = 44;
const DIRECTORY = 3;
const FILE = 4;
const FIRST_FILE_TYPE = 4;
const DIRECTORY_TYPE = 3;
const CREATE = 1;
const DIRECTORY_NAME = "/o";
const FILE_NAME = "speech.wav";
const STDERR_SHOWN = 400;

interface Memory {
  readonly buffer: ArrayBuffer;
}

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`flite exited with code ${code}`);
    this.code = code;
  }
}

/**
 * Runs flite once.
 *
 * @param module - The compiled `flite.wasm`; each run is a new instance of it.
 * @param options - Command line options, without the program's name and the output file.
 * @returns The WAV file.
 * @throws {@link ModelError} when flite ends without one.
 */
export function runFlite(module: object, options: readonly string[]): Uint8Array {
  const run = new FliteRun(["flite", ...options, "-o", `${DIRECTORY_NAME}/${FILE_NAME}`]);
  const wav = run.start(module);
  if (wav.length > 0) return wav;
  const said = run.messages.trim();
  throw new ModelError("flite", `It wrote no audio${said ? ` and said: ${said}` : ""}.`);
}

class FliteRun {
  readonly #args: readonly Uint8Array[];
  #memory: Memory | undefined;
  #file: Uint8Array<ArrayBuffer> = new Uint8Array(1 << 16);
  #length = 0;
  #position = 0;
  #messages = "";

  constructor(args: readonly string[]) {
    const encoder = new TextEncoder();
    this.#args = args.map((arg) => encoder.encode(`${arg}\0`));
  }

  get messages(): string {
    return this.#messages;
  }

  start(module: object): Uint8Array {
    const instance = new webAssembly.Instance(module, { wasi_snapshot_preview1: this.#imports() });
    const { memory, _start } = instance.exports as {
      memory: Memory;
      _start: () => void;
    };
    this.#memory = memory;
    try {
      _start();
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
    }
    return this.#file.subarray(0, this.#length);
  }

  // Taken anew each time: the memory's buffer is another one after it has grown.
  get #view(): DataView {
    return new DataView(this.#memory?.buffer ?? new ArrayBuffer(0));
  }

  #bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory?.buffer ?? new ArrayBuffer(0), at, length);
  }

  #imports(): Record<string, (...args: never[]) => number> {
    return {
      args_sizes_get: (countAt: number, sizeAt: number) => {
        this.#view.setUint32(countAt, this.#args.length, true);
        const size = this.#args.reduce((sum, arg) => sum + arg.length, 0);
        this.#view.setUint32(sizeAt, size, true);
        return OK;
      },
      args_get: (pointersAt: number, textAt: number) => {
        let at = textAt;
        this.#args.forEach((arg, index) => {
          this.#view.setUint32(pointersAt + 4 * index, at, true);
          this.#bytes(at, arg.length).set(arg);
          at += arg.length;
        });
        return OK;
      },
      clock_time_get: (_clock: number, _precision: bigint, timeAt: number) => {
        this.#view.setBigUint64(timeAt, BigInt(Math.round(performance.now() * 1e6)), true);
        return OK;
      },
      fd_close: () => OK,
      fd_fdstat_get: (fd: number, statAt: number) => this.#describe(fd, statAt),
      fd_fdstat_set_flags: () => OK,
      fd_prestat_get: (fd: number, statAt: number) => {
        if (fd !== DIRECTORY) return BAD_DESCRIPTOR;
        this.#view.setUint8(statAt, 0);
        this.#view.setUint32(statAt + 4, DIRECTORY_NAME.length, true);
        return OK;
      },
      fd_prestat_dir_name: (fd: number, nameAt: number, length: number) => {
        if (fd !== DIRECTORY) return BAD_DESCRIPTOR;
        this.#bytes(nameAt, length).set(new TextEncoder().encode(DIRECTORY_NAME));
        return OK;
      },
      fd_read: (_fd: number, _vectors: number, _count: number, readAt: number) => {
        this.#view.setUint32(readAt, 0, true);
        return OK;
      },
      fd_seek: (fd: number, offset: bigint, whence: number, positionAt: number) => {
        if (fd !== FILE) return BAD_DESCRIPTOR;
        const from = whence === 0 ? 0 : whence === 1 ? this.#position : this.#length;
        this.#position = Math.max(0, from + Number(offset));
        this.#view.setBigUint64(positionAt, BigInt(this.#position), true);
        return OK;
      },
      fd_write: (fd: number, vectorsAt: number, count: number, writtenAt: number) =>
        this.#write(fd, vectorsAt, count, writtenAt),
      path_open: (
        _fd: number,
        _lookup: number,
        _path: number,
        _length: number,
        flags: number,
        _rights: bigint,
        _inherited: bigint,
        _mode: number,
        openedAt: number,
      ) => {
        // Whatever is created is the speech; there is nothing to be read.
        if ((flags & CREATE) === 0) return NO_ENTRY;
        this.#view.setUint32(openedAt, FILE, true);
        return OK;
      },
      proc_exit: (code: number) => {
        throw new Exit(code);
      },
    };
  }

  #describe(fd: number, statAt: number): number {
    if (fd > FILE) return BAD_DESCRIPTOR;
    this.#bytes(statAt, 24).fill(0);
    this.#view.setUint8(statAt, fd === DIRECTORY ? DIRECTORY_TYPE : FIRST_FILE_TYPE);
    this.#view.setBigUint64(statAt + 8, ~0n, true);
    this.#view.setBigUint64(statAt + 16, ~0n, true);
    return OK;
  }

  #write(fd: number, vectorsAt: number, count: number, writtenAt: number): number {
    let written = 0;
    for (let i = 0; i < count; i++) {
      const at = this.#view.getUint32(vectorsAt + 8 * i, true);
      const length = this.#view.getUint32(vectorsAt + 8 * i + 4, true);
      const bytes = this.#bytes(at, length);
      if (fd === FILE) this.#append(bytes);
      else if (this.#messages.length < STDERR_SHOWN) {
        this.#messages += new TextDecoder().decode(bytes.slice(0, STDERR_SHOWN));
      }
      written += length;
    }
    this.#view.setUint32(writtenAt, written, true);
    return OK;
  }

  #append(bytes: Uint8Array): void {
    const end = this.#position + bytes.length;
    if (end > this.#file.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#file.length));
      larger.set(this.#file);
      this.#file = larger;
    }
    this.#file.set(bytes, this.#position);
    this.#position = end;
    this.#length = Math.max(this.#length, end);
  }
}
