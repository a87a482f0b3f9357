import { expect } from "vitest";

import { ManualClock } from "../src/testing/manual-clock.ts";
import type { RealtimeControl } from "../src/transport/realtime/realtime-control.ts";
import { RealtimeConversation } from "../src/transport/realtime/realtime-conversation.ts";
import { fitsClientSchema } from "./realtime-client-schema.ts";

/** A server event. */
export type RealtimeSceneEvent = { readonly type: string } & Readonly<Record<string, unknown>>;
/** What an `error` event says. */
export interface ErrorBody {
  readonly code: string;
  readonly param: string | null;
  readonly event_id: string | null;
}

/** 20 ms of PCM that is not silent. */
export const SOUND: Uint8Array = new Uint8Array(960).fill(7);

/** A conversation whose client and handler are the test. */
export class RealtimeScene {
  readonly events: RealtimeSceneEvent[] = [];
  readonly asked: unknown[] = [];
  readonly appended: Uint8Array[] = [];
  readonly clock: ManualClock = new ManualClock();
  readonly conversation: RealtimeConversation;
  answersRequests = true;
  heardMs = 0;

  constructor(options: { readonly track?: boolean; readonly session?: unknown } = {}) {
    const { track = false, session } = options;
    this.conversation = new RealtimeConversation({
      id: "sess_1",
      model: "m",
      session,
      clock: this.clock,
      sendText: (text) => {
        const event = JSON.parse(text) as RealtimeSceneEvent;
        if (!event.type.startsWith("fastrtc.")) {
          expect([event.type, fitsClientSchema(text)]).toEqual([event.type, true]);
        }
        this.events.push(event);
      },
      heardMs: () => this.heardMs,
      input: track
        ? undefined
        : {
            append: (data) => {
              this.appended.push(data);
              this.heardMs += data.length / 48;
            },
            clear: () => this.asked.push("clear"),
            afterAudio: (callback) => {
              callback();
            },
          },
    });
    const ask = (what: unknown): boolean => {
      this.asked.push(what);
      return this.answersRequests;
    };
    const control: RealtimeControl = {
      endTurnNow: () => ask("end"),
      interruptNow: () => {
        this.reply("interrupted", { heardText: "One" });
        return ask("interrupt");
      },
      onText: (text) => ask(["text", text]),
      setTurnPolicy: (policy) => ask(policy),
      reset: () => ask("reset"),
    };
    this.conversation.start(control);
    this.asked.length = 0;
  }

  send(event: unknown): void {
    this.conversation.receive(typeof event === "string" ? event : JSON.stringify(event));
  }

  reply(phase: string, more: object = {}): void {
    this.conversation.tell({ type: "reply", data: { phase, index: 1, ...more } as never });
  }

  log(data: string): void {
    this.conversation.tell({ type: "log", data });
  }

  sound(): void {
    this.conversation.addAudio(SOUND, 20);
  }

  /** The types since the last call. */
  types(): string[] {
    return this.events.splice(0).map(({ type }) => type);
  }

  of(type: string): RealtimeSceneEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  get error(): ErrorBody | undefined {
    return this.of("error").at(-1)?.["error"] as ErrorBody | undefined;
  }
}

/** Writes an append. */
export const append = (bytes: Uint8Array): object => ({
  type: "input_audio_buffer.append",
  audio: Buffer.from(bytes).toString("base64"),
});
/** Writes what a user types. */
export const typed = (text: string): object => ({
  type: "conversation.item.create",
  item: { type: "message", role: "user", content: [{ type: "input_text", text }] },
});
