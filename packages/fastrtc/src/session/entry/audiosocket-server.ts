/**
 * Asterisk's way in over AudioSocket: TCP connections in, sessions out.
 *
 * The dial plan opens one connection for each call and names it with a UUID, which becomes the
 * session's id. `stream.listenAudioSocket` calls it.
 */

import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";

import {
  AuthenticationError,
  InvalidOptionError,
  TransportError,
  isFastRTCError,
} from "../../errors.ts";
import type { Clock } from "../../media/clock.ts";
import type { Logger } from "../../observe/logger.ts";
import { AudioSocketConnection } from "../../transport/telephone/audiosocket-connection.ts";
import {
  AudioSocketWire,
  audioSocketCall,
  hangUpMessage,
} from "../../transport/telephone/audiosocket.ts";
import { TelephoneTransport } from "../../transport/telephone/telephone-transport.ts";
import type { SessionHost } from "../admission/session-host.ts";

/** How long the caller's first audio, which tells the rate, is waited for, in milliseconds. */
const FIRST_AUDIO_MS = 250;
/** Connections without a session; beyond them one must go. */
const MAX_PENDING = 100;

/** A call that has come in over AudioSocket, before it is let in. */
export interface AudioSocketCaller {
  /** What the dial plan named the call: `AudioSocket(${UUID()}, …)`. In lower case. */
  readonly uuid: string;
  /** Where the connection came from. */
  readonly remoteAddress: string | undefined;
}

/** What is known of a call that AudioSocket itself does not carry. */
export interface AudioSocketCallDetails {
  /** The caller's number. */
  readonly from?: string;
  /** The number that was called. */
  readonly to?: string;
  /** The session's parameters. */
  readonly params?: Readonly<Record<string, string>>;
}

/** Where to listen for Asterisk, and whom to let in. */
export interface AudioSocketOptions {
  /** TCP port; 0 takes any free one. */
  readonly port: number;
  /**
   * Address to listen on. AudioSocket has neither passwords nor encryption: whoever reaches it can
   * call.
   *
   * @defaultValue "127.0.0.1"
   */
  readonly host?: string;
  /**
   * Says who is calling, for AudioSocket carries a UUID alone: look up what the dial plan has
   * registered under it. Returns undefined for calls that are not expected; they are hung up.
   *
   * @defaultValue every UUID is let in
   */
  readonly onCall?: (
    caller: AudioSocketCaller,
  ) => AudioSocketCallDetails | undefined | Promise<AudioSocketCallDetails | undefined>;
  /**
   * Milliseconds without anything from Asterisk after which a call is taken for lost. Lower frees
   * the place sooner, and drops callers on hold whose telephone sends nothing.
   *
   * @defaultValue 60000
   */
  readonly idleTimeoutMs?: number;
}

/** A server that takes calls. */
export interface AudioSocketServer {
  /** The port that it listens on. */
  readonly port: number;
  /** How many connections it holds, those of sessions among them. */
  readonly connectionCount: number;
  /** Takes no more calls, and hangs up those that there are. Safe to call twice. */
  close(): Promise<void>;
}

/** What an {@link AudioSocketServer} works with. */
export interface AudioSocketServerParts {
  readonly host: SessionHost;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Listens for calls.
 *
 * @throws {@link InvalidOptionError} when the port or the address is taken or not ours.
 */
export async function listenAudioSocket(
  options: AudioSocketOptions,
  parts: AudioSocketServerParts,
): Promise<AudioSocketServer> {
  const { port, host = "127.0.0.1", idleTimeoutMs = 60_000 } = options;
  if (!(idleTimeoutMs > 0)) {
    throw new InvalidOptionError("idleTimeoutMs", idleTimeoutMs, "Give more than 0 milliseconds.");
  }
  const connections = new Set<AudioSocketConnection>();
  const pending = new Set<AudioSocketConnection>();
  const server = createServer((socket) => {
    const connection = new AudioSocketConnection({ socket, clock: parts.clock, idleTimeoutMs });
    connections.add(connection);
    pending.add(connection);
    if (pending.size > MAX_PENDING) makeRoom(pending, connection);
    void connection.closed.then(() => connections.delete(connection));
    void admit(connection, options, parts).finally(() => pending.delete(connection));
  });
  await listening(server, port, host);
  let closed: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    get connectionCount() {
      return connections.size;
    },
    close: () => (closed ??= close(server, connections)),
  };
}

async function admit(
  connection: AudioSocketConnection,
  options: AudioSocketOptions,
  parts: AudioSocketServerParts,
): Promise<void> {
  try {
    await begin(connection, options, parts);
  } catch (error) {
    const message = "A call over AudioSocket was not let in.";
    const { remoteAddress } = connection;
    // Refusals are everyday; what the application's own code throws is not.
    if (isFastRTCError(error)) parts.logger.info(message, { remoteAddress, reason: error.message });
    else parts.logger.error(message, { remoteAddress, error });
    connection.send(hangUpMessage());
    connection.close();
  }
}

async function begin(
  connection: AudioSocketConnection,
  options: AudioSocketOptions,
  { host, clock, logger }: AudioSocketServerParts,
): Promise<void> {
  const uuid = await connection.uuid();
  const { remoteAddress } = connection;
  const details = options.onCall ? await options.onCall({ uuid, remoteAddress }) : {};
  if (!details) throw new AuthenticationError("No call of this UUID is expected.");
  const identity = await host.identify({
    request: new Request(`audiosocket://${options.host ?? "127.0.0.1"}/${uuid}`),
    transport: "telephone",
    remoteAddress,
  });
  const sampleRate = await connection.sampleRate(FIRST_AUDIO_MS);
  if (connection.isClosed) return;
  const { from, to, params = {} } = details;
  await host.begin({
    identity,
    webrtcId: uuid,
    params,
    sessionToken: undefined,
    tellsToken: false,
    telephone: { carrier: "audiosocket", callId: uuid, from, to },
    createTransport: () =>
      new TelephoneTransport({
        socket: connection,
        wire: new AudioSocketWire(sampleRate),
        call: audioSocketCall(uuid, sampleRate, { from, to, params }),
        clock,
        logger,
      }),
  });
}

// Asterisk says whose call it is within milliseconds: who has waited longest without, goes first.
function makeRoom(pending: Set<AudioSocketConnection>, newest: AudioSocketConnection): void {
  const silent = [...pending].find((connection) => !connection.isIdentified);
  const leaving = silent ?? newest;
  // At once: of those that come within one moment, each must find another one to take the place of.
  pending.delete(leaving);
  leaving.terminate();
}

async function close(
  server: Server,
  connections: ReadonlySet<AudioSocketConnection>,
): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  for (const connection of connections) {
    connection.send(hangUpMessage());
    connection.close();
  }
  await closed;
  await Promise.all([...connections].map((connection) => connection.closed));
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(listenError(error, port, host));
    });
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      // A connection that cannot be accepted is that connection's misfortune.
      server.on("error", () => undefined);
      resolve();
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, port: number, host: string): Error {
  switch (cause.code) {
    case "EADDRINUSE":
    case "EACCES":
      return new InvalidOptionError(
        "port",
        port,
        `It is taken on ${host}, or not allowed to this process. Give another one; 0 takes a free one.`,
        { cause },
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new InvalidOptionError("host", host, "Give an address of this machine.", { cause });
    case undefined:
    default:
      return new TransportError(`Cannot listen on ${host}:${port}.`, { cause });
  }
}
