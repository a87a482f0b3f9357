import { createPrivateKey, X509Certificate } from "node:crypto";
import { DtlsClient, RTCDtlsTransport, type RTCCertificate } from "werift";
import { beforeAll, describe, expect, it } from "vitest";
import { ManualClock } from "../../../testing/manual-clock.ts";
import { createDtlsCertificate, fingerprintOf } from "./certificate.ts";
import { DtlsServer, type DtlsServerOptions } from "./dtls-server.ts";

type Client = InstanceType<typeof DtlsClient>;

let theirs: RTCCertificate;
let others: string;

beforeAll(async () => {
  theirs = (await RTCDtlsTransport.SetupCertificate())!;
  others = createDtlsCertificate().privateKey.export({ type: "pkcs8", format: "pem" }).toString();
});

interface Session {
  readonly server: DtlsServer;
  readonly client: Client;
  readonly clock: ManualClock;
  readonly events: string[];
  /** What the server has sent, whether the client got it or not. */
  readonly sent: Buffer[];
  /** Resolves after what the server tells next. */
  readonly next: () => Promise<void>;
}

interface SessionOptions {
  readonly key?: string;
  readonly fingerprint?: string;
  readonly dropFromServer?: (index: number) => boolean;
  readonly toServer?: (datagram: Buffer) => Buffer[];
}

// Client and server in one process, joined by function calls.
function join(options: SessionOptions = {}): Session {
  const clock = new ManualClock();
  const events: string[] = [];
  const sent: Buffer[] = [];
  const waiting: (() => void)[] = [];
  const tell = (event: string): void => {
    events.push(event);
    for (const resolve of waiting.splice(0)) resolve();
  };
  const { toServer = (datagram: Buffer): Buffer[] => [datagram] } = options;
  const link = {
    onData: (_data: Buffer): void => undefined,
    type: "memory",
    address: {},
    closed: false,
    send: (datagram: Buffer): Promise<void> => {
      for (const one of toServer(datagram)) queueMicrotask(() => server.receive(Buffer.from(one)));
      return Promise.resolve();
    },
    close: (): Promise<void> => Promise.resolve(),
  };
  const der = new X509Certificate(theirs.certPem).raw;
  const serverOptions: DtlsServerOptions = {
    certificate: createDtlsCertificate(),
    remoteFingerprints: [
      { algorithm: "sha-256", value: options.fingerprint ?? fingerprintOf(der, "sha-256") },
    ],
    srtpProfiles: [7, 1],
    clock,
  };
  const server = new DtlsServer(serverOptions, {
    onSend: (datagram) => {
      sent.push(datagram);
      if (options.dropFromServer?.(sent.length - 1) !== true)
        queueMicrotask(() => link.onData(datagram));
    },
    onConnected: () => tell("connected"),
    onData: (data) => tell(`data ${data.toString()}`),
    onClosed: () => tell("closed"),
    onFailed: (reason) => tell(`failed ${reason}`),
  });
  const client = new DtlsClient({
    cert: theirs.certPem,
    key: options.key ?? theirs.privateKey,
    signatureHash: theirs.signatureHash,
    transport: link as unknown as ConstructorParameters<typeof DtlsClient>[0]["transport"],
    srtpProfiles: [1, 7],
    extendedMasterSecret: true,
  });
  client.connect().catch(() => undefined);
  const next = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  return { server, client, clock, events, sent, next };
}

function clientKeys(client: Client): { localKey: Buffer; remoteKey: Buffer } {
  return client.extractSessionKeys(16, 12);
}

describe("DtlsServer", () => {
  it("agrees with a client on keys, and takes AES-GCM where both have it", async () => {
    const { server, client, next, events } = join();
    await next();
    expect(events).toEqual(["connected"]);
    expect(server.srtpProfile).toBe(7);
    await new Promise((resolve) => setImmediate(resolve));
    const ours = server.srtpKeys(16, 12);
    expect(clientKeys(client).remoteKey).toEqual(ours.local.key);
    expect(clientKeys(client).localKey).toEqual(ours.remote.key);
  });

  it("carries data, and refuses a record that is replayed or altered", async () => {
    const datagrams: Buffer[] = [];
    const session = join({ toServer: (datagram) => (datagrams.push(datagram), [datagram]) });
    await session.next();
    await new Promise((resolve) => setImmediate(resolve));
    const got = session.next();
    await session.client.send(Buffer.from("hello"));
    await got;
    const last = datagrams.at(-1)!;
    session.server.receive(last);
    const forged = Buffer.from(last);
    forged.writeUInt8(forged.readUInt8(forged.length - 1) ^ 1, forged.length - 1);
    session.server.receive(forged);
    expect(session.events).toEqual(["connected", "data hello"]);
  });

  it("refuses a client that shows the certificate and lacks its key", async () => {
    const { next, events } = join({
      key: createPrivateKey(others).export({ type: "pkcs8", format: "pem" }).toString(),
    });
    await next();
    expect(events).toEqual(["failed The client does not hold the key of its certificate."]);
  });

  it("refuses a certificate that the offer did not name", async () => {
    const { next, events } = join({ fingerprint: new Array<string>(32).fill("00").join(":") });
    await next();
    expect(events[0]).toContain("not the one that the offer named");
  });

  it("sends its flight again after 60 ms, then at doubling intervals", async () => {
    const { clock, sent, events, next } = join({ dropFromServer: (index) => index < 3 });
    while (sent.length === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(59);
    expect(sent).toHaveLength(1);
    clock.advance(1);
    expect(sent).toHaveLength(2);
    clock.advance(120);
    expect(sent).toHaveLength(3);
    const connected = next();
    clock.advance(240);
    await connected;
    expect(events).toEqual(["connected"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("puts a hello together that came in fragments, in any order and twice", async () => {
    const { next, events } = join({ toServer: fragmented });
    await next();
    expect(events).toEqual(["connected"]);
  });

  it("believes neither an alert nor a hello in the clear once there are keys", async () => {
    const datagrams: Buffer[] = [];
    const session = join({ toServer: (datagram) => (datagrams.push(datagram), [datagram]) });
    await session.next();
    session.server.receive(Buffer.from("15fefd00000000000000070002" + "0100", "hex"));
    session.server.receive(Buffer.from("15fefd00000000000000080002" + "0228", "hex"));
    session.server.receive(datagrams[0]!);
    expect(session.events).toEqual(["connected"]);
    await new Promise((resolve) => setImmediate(resolve));
    const got = session.next();
    await session.client.send(Buffer.from("still here"));
    await got;
    expect(session.events).toEqual(["connected", "data still here"]);
  });

  it("says goodbye once, and frees its timer", async () => {
    const session = join();
    await session.next();
    const before = session.sent.length;
    session.server.close();
    session.server.close();
    session.server.send(Buffer.from("late"));
    expect(session.sent).toHaveLength(before + 1);
    expect(session.clock.pendingTimers).toBe(0);
  });

  it("frees its timer when it is closed in the middle of a handshake", async () => {
    const session = join({ dropFromServer: () => true });
    while (session.sent.length === 0) await new Promise((resolve) => setImmediate(resolve));
    session.server.close();
    expect(session.clock.pendingTimers).toBe(0);
  });

  it("drops garbage without a word", async () => {
    const session = join();
    await session.next();
    for (let length = 0; length < 64; length++) {
      session.server.receive(Buffer.alloc(length, 0x16));
      session.server.receive(Buffer.alloc(length, 0xfe));
    }
    expect(session.events).toEqual(["connected"]);
  });
});

// Cuts the first hello into fragments of 40 bytes and sends them last to first, the middle one twice.
function fragmented(datagram: Buffer): Buffer[] {
  const isHello = datagram.readUInt8(0) === 22 && datagram.readUInt8(13) === 1;
  if (!isHello) return [datagram];
  const body = datagram.subarray(13 + 12);
  const parts: Buffer[] = [];
  for (let start = 0; start < body.length; start += 40) {
    const part = body.subarray(start, start + 40);
    const head = Buffer.from(datagram.subarray(0, 13 + 12));
    head.writeUInt16BE(12 + part.length, 11);
    head.writeUIntBE(start, 13 + 6, 3);
    head.writeUIntBE(part.length, 13 + 9, 3);
    parts.push(Buffer.concat([head, part]));
  }
  return [parts[1]!, ...parts.reverse()];
}
