import type { AudioFormat, EncodedChunk } from "../src/media/encoded-chunk.ts";
import { silentLogger } from "../src/observe/logger.ts";
import type { Logger } from "../src/observe/logger.ts";
import { ManualClock } from "../src/testing/manual-clock.ts";
import type { CarrierCall, CarrierWire } from "../src/transport/telephone/carrier.ts";
import { HeldSocket } from "../src/transport/telephone/held-socket.ts";
import { TelephoneTransport } from "../src/transport/telephone/telephone-transport.ts";
import { twilio } from "../src/transport/telephone/twilio.ts";
import type { TransportCloseReason } from "../src/transport/transport.ts";
import { CarrierStandIn } from "./carrier-stand-in.ts";
import { FakeMessageSocket } from "./fake-message-socket.ts";

/** A carrier that takes audio of 40 ms and tells nothing. */
export const silentWire: CarrierWire = {
  messageMs: 40,
  read: () => undefined,
  audio: (data) => data.slice(),
  mark: () => undefined,
  clear: () => undefined,
  hangUp: () => "BYE",
  dtmf: (digits) => `KEYS ${digits}`,
};

/** What Twilio carries. */
export const MULAW: AudioFormat = { codec: "mulaw", sampleRate: 8000, channels: 1 };

/** One call in a test that plays the carrier, in virtual time. */
export interface TelephoneScene {
  readonly clock: ManualClock;
  readonly socket: FakeMessageSocket;
  readonly standIn: CarrierStandIn;
  readonly transport: TelephoneTransport;
  readonly log: (string | EncodedChunk)[];
  readonly hangUps: number[];
}

/** Shapes a {@link TelephoneScene}. */
export interface TelephoneSceneOptions {
  readonly wire?: CarrierWire;
  /** How the caller's audio comes, where a wire is given. @defaultValue mu-law */
  readonly inputFormat?: AudioFormat;
  readonly logger?: Logger;
}

/** Begins a call, over Twilio unless another wire is given. */
export async function call(options: TelephoneSceneOptions = {}): Promise<TelephoneScene> {
  const clock = new ManualClock();
  const socket = new FakeMessageSocket();
  const standIn = new CarrierStandIn({
    carrier: "twilio",
    clock,
    link: { send: (text) => socket.receive(text), close: () => socket.end(1000) },
    streamId: "MZ1",
    callId: "CA1",
    accountSid: "AC1",
  });
  if (!options.wire) socket.onSent = (message) => standIn.receive(message);
  const wire = options.wire ?? twilio().wire(new Request("http://localhost/"));
  let started: CarrierCall | undefined;
  socket.listen({
    onMessage: (message) => {
      const event = wire.read(message);
      if (event?.type === "start") started = event.call;
    },
    onClosed: () => undefined,
  });
  if (!options.wire) standIn.start();
  const transport = new TelephoneTransport({
    socket: new HeldSocket(socket),
    wire,
    call: started ?? {
      callId: "CA1",
      streamId: "MZ1",
      from: undefined,
      to: undefined,
      params: {},
      inputFormat: options.inputFormat ?? MULAW,
      outputFormat: MULAW,
    },
    clock,
    logger: options.logger ?? silentLogger,
    hangUp: () => {
      hangUps.push(clock.now());
      return Promise.resolve();
    },
  });
  const log: (string | EncodedChunk)[] = [];
  const hangUps: number[] = [];
  transport.open({
    onConnected: () => log.push("connected"),
    onAudio: (chunk) => log.push({ ...chunk }),
    onMessage: () => log.push("message"),
    onDtmf: (digit) => log.push(`dtmf ${digit}`),
    onClosed: (reason: TransportCloseReason) => log.push(`closed ${reason}`),
  });
  await Promise.resolve();
  return { clock, socket, standIn, transport, log, hangUps };
}

/** Makes a frame of 20 ms of one code, so that a test can tell frames apart. */
export function frame(index: number, code: number, samples = 160): EncodedChunk {
  return {
    data: new Uint8Array(samples).fill(code),
    timestamp: index * samples,
    durationSamples: samples,
  };
}

/** Sends frames at their pace, as a session does. */
export function speak(scene: TelephoneScene, count: number, from = 0, code = 0x10): void {
  for (let i = 0; i < count; i++) {
    scene.transport.sendAudio(frame(from + i, code));
    scene.clock.advance(20);
  }
}

/** Names the messages that were sent. */
export function events(socket: FakeMessageSocket): string[] {
  return socket.sent.map((message) => (JSON.parse(String(message)) as { event: string }).event);
}
