/**
 * A WebSocket and the browser's audio, moved by hand: sockets say what a test makes them say, audio
 * contexts keep what they are given and hear what a test speaks.
 */

import { vi } from "vitest";

/** What the client opens. */
export class FakeSocket {
  static readonly OPEN = 1;
  static readonly all: FakeSocket[] = [];
  /** The newest. */
  static get last(): FakeSocket {
    const last = FakeSocket.all.at(-1);
    if (last === undefined) throw new Error("The client has opened no WebSocket.");
    return last;
  }

  readonly url: string;
  readyState = 0;
  bufferedAmount = 0;
  closedWith: number | undefined;
  readonly sent: (string | ArrayBuffer)[] = [];
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;

  constructor(url: URL) {
    this.url = url.href;
    FakeSocket.all.push(this);
  }

  send(data: string | ArrayBuffer): void {
    this.sent.push(data);
  }

  close(code: number): void {
    this.closedWith = code;
    this.readyState = 3;
  }

  /** The server accepts it. */
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  /** The server says something. */
  receive(message: object): void {
    this.onmessage?.({
      data: message instanceof ArrayBuffer ? message : JSON.stringify(message),
    });
  }

  /** The server closes it, or it breaks. */
  end(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  /** The JSON messages that were sent, of one event. */
  events(event: string): Record<string, unknown>[] {
    return this.sent
      .filter((data) => typeof data === "string")
      .map((data) => JSON.parse(data) as Record<string, unknown>)
      .filter((message) => message["event"] === event);
  }
}

/** One processor's node. */
export class FakeWorkletNode {
  static readonly all: FakeWorkletNode[] = [];
  readonly context: FakeAudioContext;
  readonly name: string;
  readonly options: AudioWorkletNodeOptions;
  readonly commands: unknown[] = [];
  readonly port = {
    onmessage: null as ((event: { data: unknown }) => void) | null,
    postMessage: (command: unknown): void => {
      this.commands.push(command);
    },
  };

  constructor(context: FakeAudioContext, name: string, options: AudioWorkletNodeOptions) {
    this.context = context;
    this.name = name;
    this.options = options;
    FakeWorkletNode.all.push(this);
  }

  static find(name: string): FakeWorkletNode {
    const found = FakeWorkletNode.all.findLast((node) => node.name === name);
    if (found === undefined) throw new Error(`There is no ${name}.`);
    return found;
  }

  connect(): void {
    return;
  }

  disconnect(): void {
    return;
  }

  /** The processor says something. */
  say(data: unknown): void {
    this.port.onmessage?.({ data });
  }
}

/** The browser's audio. */
export class FakeAudioContext {
  static readonly all: FakeAudioContext[] = [];
  /** Refuses microphones at any other rate, as Firefox does. */
  static onlyRate: number | undefined;
  /** Whether the browser wants a click first. */
  static isBlocked = false;
  readonly sampleRate: number;
  readonly modules: string[] = [];
  /** The microphones that it records from, the newest last. */
  readonly sources: unknown[] = [];
  state = FakeAudioContext.isBlocked ? "suspended" : "running";
  readonly baseLatency = 0.01;
  readonly outputLatency = 0.02;
  readonly destination = {};
  readonly audioWorklet = {
    addModule: (url: string): Promise<void> => {
      this.modules.push(url);
      return Promise.resolve();
    },
  };

  constructor({ sampleRate }: { sampleRate?: number }) {
    this.sampleRate = sampleRate ?? FakeAudioContext.onlyRate ?? 48_000;
    FakeAudioContext.all.push(this);
  }

  createMediaStreamSource(stream: unknown): object {
    const { onlyRate } = FakeAudioContext;
    if (onlyRate !== undefined && this.sampleRate !== onlyRate) throw new Error("another rate");
    this.sources.push(stream);
    return { connect: () => undefined, disconnect: () => undefined };
  }

  resume(): Promise<void> {
    if (FakeAudioContext.isBlocked) return new Promise(() => undefined);
    this.state = "running";
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.state = "closed";
    return Promise.resolve();
  }
}

/** Puts the fakes in the browser's place; `vi.unstubAllGlobals()` takes them away. */
export function installFakeSocket(): void {
  FakeSocket.all.length = 0;
  FakeWorkletNode.all.length = 0;
  FakeAudioContext.all.length = 0;
  FakeAudioContext.onlyRate = undefined;
  FakeAudioContext.isBlocked = false;
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("AudioContext", FakeAudioContext);
  vi.stubGlobal("AudioWorkletNode", FakeWorkletNode);
  vi.stubGlobal(
    "MediaStreamAudioDestinationNode",
    class {
      readonly stream = { active: true };
    },
  );
}
