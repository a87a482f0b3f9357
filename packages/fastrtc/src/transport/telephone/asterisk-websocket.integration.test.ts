import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, describe, expect, it } from "vitest";

import { callOverAsteriskWebSocket } from "../../../test/asterisk-websocket-stand-in.ts";
import { carrierHarness, connected } from "../../../test/carrier-conformance.ts";
import { CarrierServer } from "../../../test/carrier-server.ts";
import { sineFrame, Witness, WitnessHandler } from "../../../test/conformance-handlers.ts";
import { loudMsOf } from "../../../test/pitch.ts";
import { describeTransport } from "../../../test/transport-conformance.ts";
import type { StreamHandlerBase } from "../../handler/stream-handler.ts";
import { asteriskWebSocket } from "./asterisk-websocket.ts";

const CREDENTIALS = { username: "asterisk", password: "a password" };
const servers: CarrierServer[] = [];
const urlOf = ({ origin }: CarrierServer): string =>
  `${origin.replace("http", "ws")}/telephone/asterisk/handler`;

async function serve(handler: StreamHandlerBase, stream = {}): Promise<CarrierServer> {
  const server = await CarrierServer.start({
    carrier: asteriskWebSocket(CREDENTIALS),
    handler,
    stream,
  });
  servers.push(server);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

describeTransport(
  "chan_websocket of Asterisk",
  carrierHarness({
    carrier: asteriskWebSocket(CREDENTIALS),
    call: (server, isMute) =>
      callOverAsteriskWebSocket({ ...CREDENTIALS, url: urlOf(server), isMute }),
  }),
);

describe("a call over chan_websocket", () => {
  it("tells its session what the dial plan gave in v()", async () => {
    const server = await serve(new WitnessHandler(new Witness()));
    const variables = { from: "+15550100001", to: "100", language: "de" };
    const caller = await connected(
      server,
      await callOverAsteriskWebSocket({ ...CREDENTIALS, url: urlOf(server), variables }),
    );
    const [context] = server.contexts();
    expect(context?.telephone).toEqual({
      carrier: "asterisk",
      callId: caller.sessionId,
      from: "+15550100001",
      to: "100",
    });
    expect(context?.params).toEqual({ language: "de" });
  });

  it("is refused with another password", async () => {
    const server = await serve(new WitnessHandler(new Witness()));
    const call = { ...CREDENTIALS, password: "guessed", url: urlOf(server) };
    expect(await callOverAsteriskWebSocket(call)).toBe(401);
  });

  it("may be written in plain text, keys among it", async () => {
    const digits: string[] = [];
    const handler = new WitnessHandler(new Witness(), () => [sineFrame(500, 100)]);
    const server = await serve(handler, { onDtmf: (digit: string) => void digits.push(digit) });
    const caller = await connected(
      server,
      await callOverAsteriskWebSocket({ ...CREDENTIALS, url: urlOf(server), form: "plain" }),
    );
    caller.press("5");
    caller.press("#");
    while (loudMsOf(caller.playout.heard(), caller.sampleRate) < 80 || digits.length < 2) {
      await sleep(10);
    }
    expect(digits).toEqual(["5", "#"]);
    expect(caller.complaints).toEqual([]);
  });
});
