/**
 * Every touch of what werift does not export as its API, and why; nothing else of ours may reach in.
 *
 * werift is pinned to an exact version. `werift-internals.test.ts` fails, and each function here throws
 * a clear error, when an upgrade has changed what stands below.
 */

import { randomBytes } from "node:crypto";
import {
  Candidate,
  CandidatePairState,
  Connection,
  parseMessage,
  StunProtocol,
  type CandidatePair,
  type Message,
  type RTCSctpTransport,
} from "werift";
import type { DatagramHandler, UdpSocket } from "./udp-socket.ts";

/** What werift calls a protocol: one local address that packets leave from. */
export type IceProtocol = CandidatePair["protocol"];

interface ConnectionInternals {
  protocols: IceProtocol[];
  ensureProtocol: (protocol: IceProtocol) => void;
  checkComplete: (pair: CandidatePair) => void;
}

interface StunProtocolInternals {
  transport: unknown;
  datagramReceived(data: Buffer, address: readonly [string, number]): void;
}

interface RequestEvent {
  execute: (message: Message, address: readonly [string, number], data: Buffer) => void;
}

/** One inbound stream of SCTP as werift calls it. */
export interface SctpInboundStream {
  streamSequenceNumber: number;
  addChunk(chunk: SctpDataChunk): void;
  popMessages(): Iterable<[streamId: number, protocol: number, data: Buffer]>;
  /** Forgets chunks up to `tsn`; returns how many bytes that freed. */
  pruneChunks(tsn: number): number;
}

/** One DATA chunk as werift parses it. */
export interface SctpDataChunk {
  readonly tsn: number;
  readonly flags: number;
  readonly streamId: number;
  readonly streamSeqNum: number;
  readonly protocol: number;
  readonly userData: Buffer;
}

interface SctpInternals {
  handleData(data: Buffer): Promise<void>;
  getInboundStream(streamId: number): SctpInboundStream;
  lastReceivedTsn: number | undefined;
  readonly sentQueue: readonly unknown[];
  readonly outboundQueue: readonly unknown[];
}

interface SctpTransportInternals {
  datachannelReceive: (streamId: number, protocol: number, data: Buffer) => Promise<void>;
}

interface PairInternals {
  requestTransactionIds: Set<string>;
}

const MAX_LOGGED_TRANSACTIONS = 256;

/**
 * Makes an ICE agent that asks nobody on the internet unless it is told to: werift's default is
 * Google's STUN server.
 */
export function createConnection(
  isControlling: boolean,
  options: ConstructorParameters<typeof Connection>[1],
): Connection {
  const connection = new Connection(isControlling, options);
  if (options?.stunServer === undefined) delete connection.stunServer;
  renewCredentials(connection);
  return connection;
}

/** Begins a new ICE generation with new credentials (RFC 8445 section 9). */
export function restartConnection(connection: Connection): void {
  void connection.restart();
  renewCredentials(connection);
}

// werift takes 16 bits for the username fragment and 88 for the password; RFC 8445 section 5.3 wants 24
// and 128. Both fields are public, and checks look the password up by the fragment.
function renewCredentials(connection: Connection): void {
  Reflect.deleteProperty(connection.userHistory, connection.localUsername);
  connection.localUsername = iceCharacters(6);
  connection.localPassword = iceCharacters(18);
  connection.userHistory[connection.localUsername] = connection.localPassword;
}

// Base64's alphabet is ICE's (RFC 8839 section 5.4), and multiples of three bytes need no padding.
function iceCharacters(bytes: number): string {
  return randomBytes(bytes).toString("base64");
}

/**
 * Gives an ICE agent a socket of ours.
 *
 * werift's own sockets have no error listener (a failed bind ends the process), race for ports in a
 * range, and hand each media packet through five calls, three closures and a STUN parser.
 *
 * @param onOther - Takes what is not STUN.
 * @returns the protocol by which pairs name the socket.
 */
export function adoptSocket(
  connection: Connection,
  socket: UdpSocket,
  candidate: ConstructorParameters<typeof Candidate>,
  onOther: DatagramHandler,
): IceProtocol {
  const internals = reach(connection, "ensureProtocol", "protocols") as ConnectionInternals;
  const protocol = new StunProtocol();
  const stun = reach(protocol, "datagramReceived") as StunProtocolInternals;
  stun.transport = {
    get closed(): boolean {
      return socket.closed;
    },
    socketType: socket.family === 6 ? "udp6" : "udp4",
    address: { address: socket.address, port: socket.port },
    send: (data: Buffer, [host, port]: readonly [string, number]): Promise<void> => {
      socket.send(data, port, host);
      return Promise.resolve();
    },
    close: () => socket.close(),
  };
  protocol.localIp = socket.address;
  protocol.localCandidate = new Candidate(...candidate);
  internals.ensureProtocol(protocol);
  internals.protocols.push(protocol);
  socket.onDatagram = (data, address, port) => {
    // STUN and nothing else begins with 0 to 3 (RFC 7983).
    if ((data[0] ?? 255) > 3) onOther(data, address, port);
    else if (data.length >= 20) stun.datagramReceived(data, [address, port]);
  };
  return protocol;
}

/**
 * Lets only genuine connectivity checks reach the agent.
 *
 * werift answers any STUN request, remembers any source as a candidate and sends checks there: a
 * stranger who can spoof addresses could make us send to any of them. RFC 8445 section 7.3 wants the
 * message integrity checked first.
 *
 * @param isAllowed - Decides on the source of a genuine check.
 */
export function authenticateChecks(
  connection: Connection,
  isAllowed: (address: string, port: number) => boolean,
): void {
  const internals = reach(connection, "ensureProtocol", "checkList") as ConnectionInternals;
  const { ensureProtocol } = internals;
  internals.ensureProtocol = (protocol) => {
    const event: RequestEvent = protocol.onRequestReceived;
    const { execute } = event;
    event.execute = (message, address, data) => {
      const password = passwordFor(connection, message);
      if (password === undefined || !parseMessage(data, Buffer.from(password))) return;
      if (!isAllowed(address[0], address[1])) return;
      execute(message, address, data);
      boundTransactionLogs(connection);
    };
    ensureProtocol.call(connection, protocol);
  };
}

/**
 * Reports each pair whose check has succeeded, again when the other side nominates it.
 *
 * werift reports a connection only when its own loop wakes, up to 20 ms later, and stays with the
 * first nominated pair for good: a browser that changes networks would be lost.
 */
export function onPairSucceeded(
  connection: Connection,
  callback: (pair: CandidatePair) => void,
): void {
  const internals = reach(connection, "checkComplete") as ConnectionInternals;
  const { checkComplete } = internals;
  internals.checkComplete = (pair) => {
    checkComplete.call(connection, pair);
    if (pair.state === CandidatePairState.SUCCEEDED) callback(pair);
  };
}

/** Makes a nominated pair the selected one, and asks for consent there. */
export function selectPair(connection: Connection, pair: CandidatePair): void {
  connection.resetNominatedPair();
  (reach(connection, "checkComplete") as ConnectionInternals).checkComplete(pair);
}

/**
 * Makes SCTP safe to feed with a stranger's bytes.
 *
 * werift's promises for inbound packets and messages are awaited by nobody, so that each malformed one
 * would end the process as an unhandled rejection; its reassembly has no bound.
 *
 * @param createStream - Makes a bounded stream; told how many there are already.
 * @returns feeds one packet; the packet must have been checked.
 */
export function guardSctp(
  transport: RTCSctpTransport,
  createStream: (count: number) => SctpInboundStream,
): (packet: Buffer) => void {
  const sctp = reach(transport.sctp, "handleData", "getInboundStream") as SctpInternals;
  const streams = new Map<number, SctpInboundStream>();
  sctp.getInboundStream = (streamId) => {
    const known = streams.get(streamId);
    if (known) return known;
    const stream = createStream(streams.size);
    streams.set(streamId, stream);
    return stream;
  };
  transport.sctp.onReconfigStreams.subscribe((ids: number[]) => {
    for (const id of ids) streams.delete(id);
  });
  return (packet) => {
    sctp.handleData(packet).catch(() => undefined);
  };
}

/** Wraps the handler of messages before the transport subscribes it, so that it cannot reject. */
export function guardMessages(
  transport: RTCSctpTransport,
  isWanted: (streamId: number, protocol: number, data: Buffer) => boolean,
): void {
  const internals = reach(transport, "datachannelReceive") as SctpTransportInternals;
  const { datachannelReceive } = internals;
  internals.datachannelReceive = async (streamId, protocol, data) => {
    if (!isWanted(streamId, protocol, data)) return;
    await datachannelReceive.call(transport, streamId, protocol, data).catch(() => undefined);
  };
}

/** How many chunks of messages wait to be sent, or to be acknowledged by the other side. */
export function unacknowledged(transport: RTCSctpTransport): number {
  const { sentQueue, outboundQueue } = transport.sctp as unknown as SctpInternals;
  return sentQueue.length + outboundQueue.length;
}

/** The newest transmission sequence number that came in order; undefined before the association. */
export function lastReceivedTsn(transport: RTCSctpTransport): number | undefined {
  return (transport.sctp as unknown as SctpInternals).lastReceivedTsn;
}

function passwordFor(connection: Connection, message: Message): string | undefined {
  const username: unknown = message.getAttributeValue("USERNAME");
  if (typeof username !== "string") return undefined;
  const [local = "", remote] = username.split(":");
  const isOurs = Object.hasOwn(connection.userHistory, local);
  return isOurs && remote !== undefined ? connection.userHistory[local] : undefined;
}

// werift keeps the id of every check that it was ever sent: a browser sends one every 2.5 s at least.
function boundTransactionLogs(connection: Connection): void {
  for (const pair of connection.checkList) {
    const { requestTransactionIds } = reach(pair, "requestTransactionIds") as PairInternals;
    if (requestTransactionIds.size > MAX_LOGGED_TRANSACTIONS) requestTransactionIds.clear();
  }
}

function reach(object: object, ...names: readonly string[]): unknown {
  for (const name of names) {
    if (!(name in object)) {
      throw new Error(
        `werift has changed: ${object.constructor.name}.${name} is gone. Pin the version that package.json names.`,
      );
    }
  }
  return object;
}
