import { describe, expect, it } from "vitest";

import { FakeMessageSocket } from "../../../test/fake-message-socket.ts";
import { AuthenticationError, NegotiationError, SessionLimitError } from "../../errors.ts";
import { silentLogger } from "../../observe/logger.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import type { Carrier } from "../../transport/telephone/carrier.ts";
import { twilio } from "../../transport/telephone/twilio.ts";
import type { Transport } from "../../transport/transport.ts";
import type { OpenedSession, SessionHost, SessionOpening } from "../admission/session-host.ts";
import { TelephoneEntry } from "./telephone-entry.ts";
import type { CarrierRequest, TelephoneEntryOptions } from "./telephone-entry.ts";

const START = JSON.stringify({
  event: "start",
  streamSid: "MZ1",
  start: { callSid: "CA1", customParameters: { from: "+1", to: "+2", language: "de" } },
});
const MEDIA = '{"event":"media","streamSid":"MZ1","media":{"payload":"AQID"}}';
const FORM = "CallSid=CA1&From=%2B1&To=%2B2";

class FakeHost implements SessionHost {
  readonly arrivals: string[] = [];
  readonly openings: SessionOpening[] = [];
  readonly log: string[] = [];
  refusal: Error | undefined;
  transport: Transport | undefined;
  /** Resolves when sessions may begin. */
  gate: Promise<void> = Promise.resolve();

  identify: SessionHost["identify"] = async (arrival) => {
    this.arrivals.push(`${arrival.transport} ${arrival.remoteAddress ?? ""}`);
    return Promise.resolve({ arrival, user: "somebody" });
  };

  begin: SessionHost["begin"] = async (opening) => {
    this.openings.push(opening);
    await this.gate;
    if (this.refusal) throw this.refusal;
    this.transport = opening.createTransport();
    this.transport.open({
      onConnected: () => this.log.push("connected"),
      onAudio: ({ data }) => this.log.push(`audio ${data?.length ?? "gap"}`),
      onMessage: () => this.log.push("message"),
      onDtmf: (digit) => this.log.push(`dtmf ${digit}`),
      onClosed: (reason) => this.log.push(`closed ${reason}`),
    });
    return {} as OpenedSession;
  };
}

interface Scene {
  readonly clock: ManualClock;
  readonly host: FakeHost;
  readonly entry: TelephoneEntry;
  readonly arrival: CarrierRequest;
  readonly hangUps: string[];
  readonly open: () => Promise<FakeMessageSocket>;
}

function scene(options: Partial<TelephoneEntryOptions & { carrier: Carrier }> = {}): Scene {
  const clock = new ManualClock();
  const host = new FakeHost();
  const hangUps: string[] = [];
  const entry = new TelephoneEntry({ host, clock, logger: silentLogger, ...options });
  const arrival = {
    carrier: options.carrier ?? {
      ...twilio(),
      hangUp: ({ callId }) => {
        hangUps.push(callId);
        return Promise.resolve();
      },
    },
    request: new Request("http://localhost/telephone/handler"),
    routes: { webhookUrl: "https://a.example/in", mediaUrl: "wss://a.example/media" },
    remoteAddress: "192.0.2.1",
  };
  const open = async (): Promise<FakeMessageSocket> => {
    const socket = new FakeMessageSocket();
    (await entry.admit(arrival))(socket);
    return socket;
  };
  return { clock, host, entry, arrival, hangUps, open };
}

describe("TelephoneEntry", () => {
  it("answers a webhook with the parameters that the application chooses", async () => {
    const calls: unknown[] = [];
    const { entry, arrival, host } = scene({
      params: ({ carrier, callId, from, to, request }) => {
        calls.push([carrier, callId, from, to, request.url]);
        return Promise.resolve({ language: "de" });
      },
    });
    const answer = await entry.announce(arrival, FORM);
    expect(await answer.text()).toContain('<Parameter name="language" value="de"/>');
    expect(calls).toEqual([["twilio", "CA1", "+1", "+2", "http://localhost/telephone/handler"]]);
    expect(host.arrivals).toEqual(["telephone 192.0.2.1"]);
  });

  it("answers a webhook that announces no call with an empty 200, and asks nobody", async () => {
    const carrier: Carrier = { ...twilio(), announce: () => Promise.resolve(undefined) };
    const { entry, arrival, host } = scene({ carrier });
    const answer = await entry.announce(arrival, "");
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    expect(host.arrivals).toEqual([]);
  });

  it("asks the application neither of a forged webhook nor of a forged socket", async () => {
    const { entry, arrival, host } = scene({ carrier: twilio({ authToken: "secret" }) });
    await expect(entry.announce(arrival, FORM)).rejects.toThrow(AuthenticationError);
    await expect(entry.admit(arrival)).rejects.toThrow(AuthenticationError);
    expect(host.arrivals).toEqual([]);
  });

  it("lets the application refuse a call, and its socket", async () => {
    const { entry, arrival, host } = scene();
    host.identify = () => Promise.reject(new AuthenticationError());
    await expect(entry.announce(arrival, FORM)).rejects.toThrow(AuthenticationError);
    await expect(entry.admit(arrival)).rejects.toThrow(AuthenticationError);
  });

  it("begins a session at the start, named after the stream, with what is known of the call", async () => {
    const { host, open, entry, clock } = scene();
    const socket = await open();
    socket.receive('{"event":"connected"}');
    expect(entry.pendingCount).toBe(1);
    socket.receive(START);
    await clock.advanceAsync(0);
    expect(entry.pendingCount).toBe(0);
    expect(host.openings).toEqual([
      {
        identity: expect.objectContaining({ user: "somebody" }) as unknown,
        webrtcId: "MZ1",
        params: { language: "de" },
        sessionToken: undefined,
        tellsToken: false,
        telephone: { carrier: "twilio", callId: "CA1", from: "+1", to: "+2" },
        createTransport: expect.any(Function) as unknown,
      },
    ]);
    expect(host.log).toEqual(["connected"]);
  });

  it("keeps what the caller says while the session is being made", async () => {
    const { host, open, clock } = scene();
    let begin = (): void => undefined;
    host.gate = new Promise((resolve) => {
      begin = resolve;
    });
    const socket = await open();
    socket.receive(START);
    for (let i = 0; i < 300; i++) socket.receive(MEDIA);
    socket.end(1001);
    begin();
    await clock.advanceAsync(0);
    expect(host.log).toHaveLength(252);
    expect(host.log.slice(0, 2)).toEqual(["connected", "audio 3"]);
    expect(host.log.at(-1)).toBe("closed remote");
  });

  it.each([
    [MEDIA, "The first message must be the start."],
    ['{"event":"stop"}', "The first message must be the start."],
  ])("refuses what comes before the start: %s", async (message, reason) => {
    const { open, clock, entry, host } = scene();
    const socket = await open();
    socket.receive(message);
    socket.receive(START);
    await clock.advanceAsync(0);
    expect(socket.closedWith).toEqual({ code: 4400, reason });
    expect(entry.pendingCount).toBe(0);
    expect(host.openings).toEqual([]);
  });

  it("bears ten malformed messages before the start, and no more", async () => {
    const { open } = scene();
    const socket = await open();
    for (let i = 0; i < 10; i++) socket.receive("{");
    expect(socket.closedWith).toBeUndefined();
    socket.receive("{");
    expect(socket.closedWith).toEqual({ code: 4400, reason: "Malformed messages." });
  });

  it("closes a socket that does not start within ten seconds", async () => {
    const { open, clock, entry } = scene();
    const socket = await open();
    clock.advance(9999);
    expect(socket.closedWith).toBeUndefined();
    clock.advance(1);
    expect(socket.closedWith).toEqual({ code: 4408, reason: "No start in time." });
    expect(entry.pendingCount).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it("forgets a socket that leaves before the start", async () => {
    const { open, clock, entry } = scene();
    (await open()).end(1006);
    expect(entry.pendingCount).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it("closes the oldest of too many sockets that do not start", async () => {
    const { open, entry } = scene();
    const sockets: FakeMessageSocket[] = [];
    for (let i = 0; i < 1000; i++) sockets.push(await open());
    expect(entry.pendingCount).toBe(256);
    expect(sockets[743]?.closedWith?.code).toBe(1013);
    expect(sockets[744]?.closedWith).toBeUndefined();
  });

  it.each([
    [new SessionLimitError(1, 1), 1013, "Too many sessions live at the same time."],
    [new AuthenticationError(), 4401, "Not authorized."],
    [
      new NegotiationError("Unavailable.", { reason: "unavailable" }),
      1013,
      "The call cannot be taken.",
    ],
    [new Error("secret"), 1011, "Something went wrong on the server."],
  ])(
    "closes the socket and ends the call where no session begins: %s",
    async (error, code, reason) => {
      const { open, clock, host, hangUps } = scene();
      host.refusal = error;
      const socket = await open();
      socket.receive(START);
      await clock.advanceAsync(0);
      expect(socket.closedWith).toEqual({ code, reason });
      expect(hangUps).toEqual(["CA1"]);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it("ends no call that lives when somebody else presents its name", async () => {
    const { open, clock, host, hangUps } = scene();
    host.refusal = new NegotiationError("Taken.", { reason: "connection_already_exists" });
    const socket = await open();
    socket.receive(START);
    await clock.advanceAsync(0);
    expect(socket.closedWith?.code).toBe(4409);
    expect(hangUps).toEqual([]);
  });

  it("refuses a stream whose name cannot be a session's", async () => {
    const { open, clock, host } = scene();
    const socket = await open();
    socket.receive(START.replace("MZ1", `MZ${"1".repeat(127)}`));
    await clock.advanceAsync(0);
    expect(socket.closedWith?.code).toBe(4422);
    expect(host.openings).toEqual([]);
  });

  it("ends the call at the carrier with the session, once, and bears that it fails", async () => {
    let attempts = 0;
    const lines: string[] = [];
    const carrier: Carrier = {
      ...twilio(),
      hangUp: (_call, signal) => {
        attempts++;
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            reject(new Error("too slow"));
          });
        });
      },
    };
    const logger = { ...silentLogger, error: (text: string) => lines.push(text) };
    const { open, clock, host } = scene({ carrier, logger });
    (await open()).receive(START);
    await clock.advanceAsync(0);
    const closing = host.transport?.close();
    await clock.advanceAsync(4999);
    expect(host.log).toEqual(["connected"]);
    await clock.advanceAsync(1);
    await closing;
    expect(host.log).toEqual(["connected", "closed local"]);
    expect([attempts, lines]).toEqual([1, ["The call could not be ended at the carrier."]]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("lets nobody in once it is closed, and closes the sockets that wait", async () => {
    const { entry, arrival, open, clock } = scene();
    const socket = await open();
    const admitted = await entry.admit(arrival);
    entry.close();
    expect(socket.closedWith).toEqual({ code: 1001, reason: "The server is closing." });
    const late = new FakeMessageSocket();
    admitted(late);
    expect(late.closedWith?.code).toBe(1001);
    await expect(entry.admit(arrival)).rejects.toThrow(NegotiationError);
    await expect(entry.announce(arrival, FORM)).rejects.toThrow(NegotiationError);
    expect(clock.pendingTimers).toBe(0);
  });
});
