import { createRequire } from "node:module";
import {
  Candidate,
  CandidatePair,
  CandidatePairState,
  classes,
  Connection,
  Event,
  Message,
  methods,
  RTCSctpTransport,
  StunProtocol,
} from "werift";
import { describe, expect, it } from "vitest";
import { BoundedInboundStream } from "./bounded-inbound-stream.ts";
import { UdpSocket } from "./udp-socket.ts";
import {
  adoptSocket,
  authenticateChecks,
  createConnection,
  guardMessages,
  guardSctp,
  onPairSucceeded,
  restartConnection,
  selectPair,
} from "./werift-internals.ts";

async function withSocket(
  work: (connection: Connection, socket: UdpSocket) => Promise<void> | void,
): Promise<void> {
  const connection = createConnection(false, {});
  const socket = await UdpSocket.bind("127.0.0.1", undefined);
  try {
    await work(connection, socket);
  } finally {
    await connection.close();
    await socket.close();
  }
}

function candidateOf(socket: UdpSocket): [string, number, string, number, string, number, string] {
  return ["f", 1, "udp", 1, socket.address, socket.port, "host"];
}

function check(username: string, password: string): Buffer {
  const message = new Message(methods.BINDING, classes.REQUEST);
  message.setAttribute("USERNAME", username).setAttribute("PRIORITY", 1);
  message
    .setAttribute("ICE-CONTROLLING", 1n)
    .addMessageIntegrity(Buffer.from(password))
    .addFingerprint();
  return message.bytes;
}

function dtls(): RTCSctpTransport["dtlsTransport"] {
  const fake = {
    id: "dtls",
    iceTransport: { role: "controlled" },
    onStateChange: new Event<[string]>(),
    dataReceiver: (): void => undefined,
    sendData: (): Promise<void> => Promise.resolve(),
  };
  return fake as unknown as RTCSctpTransport["dtlsTransport"];
}

describe("what we touch inside werift", () => {
  it("belongs to the version that we have read; read it again before this number changes", () => {
    const require = createRequire(import.meta.url);
    const path = require.resolve("werift").replace(/lib.*$/, "package.json");
    expect((require(path) as { version: string }).version).toBe("0.24.4");
  });

  it("asks no STUN server of its own accord", () => {
    expect(new Connection(false).stunServer).toBeDefined();
    expect(createConnection(false, {}).stunServer).toBeUndefined();
  });

  it("takes credentials as long as RFC 8445 wants them, new ones for each generation", () => {
    const connection = createConnection(false, {});
    const { localUsername, localPassword } = connection;
    expect(localUsername).toMatch(/^[A-Za-z0-9+/]{8}$/);
    expect(localPassword).toMatch(/^[A-Za-z0-9+/]{24}$/);
    restartConnection(connection);
    expect(connection.localUsername).not.toBe(localUsername);
    expect(connection.localPassword).not.toBe(localPassword);
    expect(connection.userHistory[connection.localUsername]).toBe(connection.localPassword);
  });

  it("gathers a socket of ours as a candidate, and no other", async () => {
    await withSocket(async (connection, socket) => {
      connection.options.useIpv4 = false;
      connection.options.useIpv6 = false;
      adoptSocket(connection, socket, candidateOf(socket), () => undefined);
      await connection.gatherCandidates();
      expect(connection.localCandidates.map(({ port }) => port)).toEqual([socket.port]);
    });
  });

  it("hands STUN to werift and the rest to us", async () => {
    await withSocket((connection, socket) => {
      const others: number[] = [];
      const checked: Message[] = [];
      const protocol = adoptSocket(connection, socket, candidateOf(socket), (data) =>
        others.push(data.length),
      );
      expect(protocol).toBeInstanceOf(StunProtocol);
      protocol.onRequestReceived.subscribe((message) => checked.push(message));
      socket.onDatagram(check("a:b", "c"), "127.0.0.1", 5000);
      socket.onDatagram(Buffer.alloc(30, 0x80), "127.0.0.1", 5000);
      socket.onDatagram(Buffer.alloc(0), "127.0.0.1", 5000);
      expect(checked).toHaveLength(1);
      expect(others).toEqual([30, 0]);
    });
  });

  it("lets only checks through that know our password, from addresses that are allowed", async () => {
    await withSocket((connection, socket) => {
      const seen: number[] = [];
      authenticateChecks(connection, (_address, port) => port !== 6666);
      connection.checkIncoming = (_message, [, port]) => void seen.push(port);
      Object.assign(connection, { earlyChecksDone: true });
      adoptSocket(connection, socket, candidateOf(socket), () => undefined);
      const username = `${connection.localUsername}:remote`;
      socket.onDatagram(check(username, "guessed"), "127.0.0.1", 5001);
      socket.onDatagram(check("other:remote", connection.localPassword), "127.0.0.1", 5002);
      socket.onDatagram(check("__proto__:remote", "x"), "127.0.0.1", 5003);
      socket.onDatagram(check(username, connection.localPassword), "127.0.0.1", 6666);
      socket.onDatagram(check(username, connection.localPassword), "127.0.0.1", 5004);
      expect(seen).toEqual([5004]);
    });
  });

  it("tells each pair that succeeds, and can select another one than the first nominated", async () => {
    await withSocket((connection, socket) => {
      const told: CandidatePair[] = [];
      onPairSucceeded(connection, (pair) => told.push(pair));
      const protocol = adoptSocket(connection, socket, candidateOf(socket), () => undefined);
      const [first, second] = [5001, 5002].map((port) => {
        const pair = new CandidatePair(
          protocol,
          new Candidate("g", 1, "udp", 1, "127.0.0.1", port, "host"),
          false,
        );
        pair.nominated = true;
        connection.checkList.push(pair);
        return pair;
      }) as [CandidatePair, CandidatePair];
      const complete = (pair: CandidatePair): void => {
        (connection as unknown as { checkComplete(pair: CandidatePair): void }).checkComplete(pair);
      };
      first.updateState(CandidatePairState.FAILED);
      complete(first);
      expect(told).toEqual([]);
      first.updateState(CandidatePairState.SUCCEEDED);
      second.updateState(CandidatePairState.SUCCEEDED);
      complete(first);
      complete(second);
      expect(told).toEqual([first, second]);
      expect(connection.nominated).toBe(first);
      selectPair(connection, second);
      expect(connection.nominated).toBe(second);
    });
  });

  it("survives packets and messages that would reject, and reassembles within our bounds", async () => {
    const transport = new RTCSctpTransport();
    guardMessages(transport, () => true);
    transport.setDtlsTransport(dtls());
    const feed = guardSctp(transport, () => new BoundedInboundStream(10, 100));
    feed(Buffer.alloc(3));
    feed(Buffer.alloc(100));
    transport.sctp.onReceive.execute(1, 9999, Buffer.from("x"));
    transport.sctp.onReceive.execute(1, 50, Buffer.from([2]));
    await new Promise((resolve) => setImmediate(resolve));
    const { getInboundStream } = transport.sctp as unknown as {
      getInboundStream: (id: number) => unknown;
    };
    expect(getInboundStream(3)).toBeInstanceOf(BoundedInboundStream);
    await transport.stop();
  });
});
