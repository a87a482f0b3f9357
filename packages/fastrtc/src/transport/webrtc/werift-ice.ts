/**
 * ICE for one session: werift's agent on sockets of ours.
 *
 * In go remote candidates and datagrams, out come datagrams sorted by kind, and whether there is a
 * path. The peer calls it.
 */

import { networkInterfaces } from "node:os";
import {
  Candidate,
  candidateFoundation,
  candidatePriority,
  serverReflexiveCandidate,
  type CandidatePair,
  type Connection,
} from "werift";
import { TransportError } from "../../errors.ts";
import type { Clock } from "../../media/clock.ts";
import type { LocalCandidate } from "./answer.ts";
import type { RtcPeerOptions } from "./backend.ts";
import {
  judgeAddress,
  judgeCandidate,
  type CandidatePolicyOptions,
  type RemoteCandidate,
} from "./candidate.ts";
import { isDtls } from "./dtls/record.ts";
import { isLoopback, pickHostAddresses } from "./host-address.ts";
import { readIceServers } from "./ice-server.ts";
import { UdpSocket } from "./udp-socket.ts";
import {
  adoptSocket,
  authenticateChecks,
  createConnection,
  onPairSucceeded,
  restartConnection,
  selectPair,
  type IceProtocol,
} from "./werift-internals.ts";

/** What an {@link IceAgent} tells its owner. */
export interface IceListener {
  /** A path has been checked; datagrams can be sent. Called once per agent. */
  onPath(): void;
  /** A DTLS datagram from a checked path. */
  onDtls(datagram: Buffer): void;
  /** An SRTP or SRTCP packet from a checked path. */
  onMedia(packet: Buffer): void;
  /** The other side has not answered for 30 s (RFC 7675). */
  onFailed(): void;
}

/** Where datagrams go. */
interface Path {
  readonly pair: CandidatePair;
  readonly socket: UdpSocket | undefined;
  readonly address: string;
  readonly port: number;
}

/** Per generation: 30 that the client may tell, and some that its checks may reveal. */
const MAX_TOLD_CANDIDATES = 30;
const MAX_REMOTE_CANDIDATES = 40;
/** Datagrams of a handshake that begins before the path is checked. */
const MAX_EARLY_DATAGRAMS = 8;
const MAX_EARLY_LENGTH = 2048;
/** A path that has been silent for so long gives way to a newly nominated one of lower priority. */
const STALE_PATH_MS = 1_000;
/** Bounds what a slow STUN or TURN server adds to the answer. */
const MAX_GATHERING_MS = 1_500;

/** An ICE agent that answers. */
export class IceAgent {
  readonly #connection: Connection;
  readonly #listener: IceListener;
  readonly #options: RtcPeerOptions;
  #policy: CandidatePolicyOptions;
  readonly #clock: Clock;
  readonly #sockets = new Map<IceProtocol, UdpSocket>();
  readonly #checked = new Set<Path>();
  #early: { data: Buffer; address: string; port: number }[] = [];
  #path: Path | undefined;
  #lastReceivedAt = 0;
  #toldCandidates = 0;
  #isClosed = false;

  /**
   * @param isControlling - Whether we nominate: only against an ICE-lite client (RFC 8445 section 6.1.1).
   */
  constructor(
    isControlling: boolean,
    options: RtcPeerOptions,
    clock: Clock,
    listener: IceListener,
  ) {
    this.#options = options;
    this.#listener = listener;
    this.#clock = clock;
    this.#policy = { allowLoopback: options.includeLoopback === true };
    this.#connection = createConnection(isControlling, readIceServers(options.iceServers));
    authenticateChecks(this.#connection, (address, port) => this.#mayCheck(address, port));
    onPairSucceeded(this.#connection, (pair) => this.#onPairSucceeded(pair));
    this.#connection.stateChanged.subscribe((state) => {
      if (state === "failed" && !this.#isClosed) this.#listener.onFailed();
    });
    // What comes through a TURN server; our own sockets do not pass here.
    this.#connection.onData.subscribe((data) => this.#route(data));
  }

  get localUfrag(): string {
    return this.#connection.localUsername;
  }

  get localPwd(): string {
    return this.#connection.localPassword;
  }

  /** The username fragment of the client's current generation. */
  get remoteUfrag(): string {
    return this.#connection.remoteUsername;
  }

  /** Our candidates, for the answer. */
  get localCandidates(): LocalCandidate[] {
    return this.#connection.localCandidates.map((candidate) => ({
      foundation: candidate.foundation,
      priority: candidate.priority,
      address: candidate.host,
      port: candidate.port,
      type: candidate.type,
      ...(candidate.relatedAddress !== undefined && { relatedAddress: candidate.relatedAddress }),
      ...(candidate.relatedPort !== undefined && { relatedPort: candidate.relatedPort }),
    }));
  }

  /** Round trip of the latest check in milliseconds. */
  get roundTripMs(): number | undefined {
    const rtt = this.#path?.pair.rtt;
    return rtt === undefined ? undefined : rtt * 1000;
  }

  /**
   * Opens sockets and collects our candidates: milliseconds, unless STUN or TURN servers are set.
   *
   * @throws {@link TransportError} when no socket could be opened.
   */
  async gather(): Promise<void> {
    if (this.#sockets.size === 0) await this.#openSockets();
    await this.#beforeTimeout(this.#connection.gatherCandidates());
    const { stunServer } = this.#connection;
    if (!stunServer) return;
    const reflexive = [...this.#sockets].map(async ([protocol, socket]) => {
      if (socket.family !== 4) return;
      const candidate = await serverReflexiveCandidate(protocol, stunServer).catch(() => undefined);
      if (candidate) this.#connection.localCandidates.push(candidate);
    });
    await this.#beforeTimeout(Promise.all(reflexive));
  }

  /** Begins a new generation (RFC 8445 section 9); media stays on the old path until a new one is found. */
  restart(): void {
    restartConnection(this.#connection);
    this.#checked.clear();
    this.#toldCandidates = 0;
  }

  /** Sets the client's credentials, takes its candidates and begins to check them. */
  start(ufrag: string, pwd: string, isLite: boolean, candidates: readonly RemoteCandidate[]): void {
    this.#connection.setRemoteParams({ iceLite: isLite, usernameFragment: ufrag, password: pwd });
    for (const candidate of candidates) this.addCandidate(candidate);
    // Rejects when it is closed early; `failed` is told through the state.
    this.#connection.connect().catch(() => undefined);
  }

  /**
   * Adds a remote candidate, if it may be used at all.
   *
   * The end of candidates is never told to werift, which would give up at once when nothing is left to
   * check; so a client that hides its addresses behind mDNS names, or tells none, is found by its own
   * checks (peer-reflexive, RFC 8445 section 7.3.1.3).
   */
  addCandidate(candidate: RemoteCandidate): void {
    const { usernameFragment } = candidate;
    if (usernameFragment !== undefined && usernameFragment !== this.remoteUfrag) return;
    if (this.#toldCandidates >= MAX_TOLD_CANDIDATES) return;
    if (judgeCandidate(candidate, this.#policy) !== "usable") return;
    this.#toldCandidates++;
    const { foundation, component, priority, address, port, type } = candidate;
    void this.#connection.addRemoteCandidate(
      new Candidate(foundation, component, "udp", priority, address, port, type),
    );
  }

  /** Sends one datagram on the path; does nothing while there is none. */
  send(datagram: Buffer): void {
    const path = this.#path;
    if (!path || this.#isClosed) return;
    if (path.socket) path.socket.send(datagram, path.port, path.address);
    else path.pair.protocol.sendData(datagram, path.pair.remoteAddr).catch(() => undefined);
  }

  /** Closes the sockets; safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#early = [];
    this.#path = undefined;
    await this.#connection.close();
    await Promise.all([...this.#sockets.values()].map((socket) => socket.close()));
  }

  async #openSockets(): Promise<void> {
    const { includeLoopback = false, portRange } = this.#options;
    const addresses = pickHostAddresses(networkInterfaces(), includeLoopback);
    const results = await Promise.allSettled(
      addresses.map((address) => UdpSocket.bind(address, portRange)),
    );
    for (const [index, result] of results.entries()) {
      if (result.status === "fulfilled") this.#adopt(result.value, addresses.length - index);
    }
    if (this.#sockets.size === 0) {
      const cause = results.find((result) => result.status === "rejected")?.reason as unknown;
      throw cause instanceof TransportError
        ? cause
        : new TransportError("No UDP socket can be opened.", { cause });
    }
    // Without any network loopback is all that there is, on both sides.
    const isLocalOnly = [...this.#sockets.values()].every(({ address }) => isLoopback(address));
    this.#policy = { allowLoopback: includeLoopback || isLocalOnly };
    if (this.#isClosed)
      await Promise.all([...this.#sockets.values()].map((socket) => socket.close()));
  }

  #adopt(socket: UdpSocket, preference: number): void {
    const { address, port } = socket;
    const foundation = candidateFoundation("host", "udp", address);
    // RFC 8445 section 5.1.2.1: addresses of one kind differ in their local preference.
    const priority = candidatePriority("host", {
      transport: "udp",
      localPreference: 0xffff - 64 + preference,
    });
    const { generation, localUsername } = this.#connection;
    const protocol = adoptSocket(
      this.#connection,
      socket,
      [
        foundation,
        1,
        "udp",
        priority,
        address,
        port,
        "host",
        undefined,
        undefined,
        undefined,
        generation,
        localUsername,
      ],
      (data, from, fromPort) => this.#receive(socket, data, from, fromPort),
    );
    this.#sockets.set(protocol, socket);
  }

  #mayCheck(address: string, port: number): boolean {
    const known = this.#connection.remoteCandidates;
    if (known.some((candidate) => candidate.host === address && candidate.port === port))
      return true;
    return (
      known.length < MAX_REMOTE_CANDIDATES && judgeAddress(address, port, this.#policy) === "usable"
    );
  }

  // The way of every packet: nothing here may allocate or search.
  #receive(socket: UdpSocket, data: Buffer, address: string, port: number): void {
    const path = this.#path;
    const isOnPath = path?.port === port && path.address === address && path.socket === socket;
    if (isOnPath) this.#lastReceivedAt = this.#clock.now();
    else if (!this.#isChecked(socket, address, port)) {
      this.#keepEarly(data, address, port);
      return;
    }
    this.#route(data);
  }

  #route(data: Buffer): void {
    const first = data[0] ?? 0;
    if (first >= 128 && first <= 191) this.#listener.onMedia(data);
    else if (isDtls(first)) this.#listener.onDtls(data);
  }

  #isChecked(socket: UdpSocket, address: string, port: number): boolean {
    for (const path of this.#checked) {
      if (path.socket === socket && path.port === port && path.address === address) return true;
    }
    return false;
  }

  // A client opens DTLS as soon as its own check has succeeded, which may be before ours has. Without
  // this its first flight would be lost, and OpenSSL waits a second before it tries again.
  #keepEarly(data: Buffer, address: string, port: number): void {
    const isHandshake = isDtls(data[0] ?? 0) && data.length <= MAX_EARLY_LENGTH;
    if (isHandshake && this.#early.length < MAX_EARLY_DATAGRAMS)
      this.#early.push({ data, address, port });
  }

  #onPairSucceeded(pair: CandidatePair): void {
    if (this.#isClosed) return;
    const [address, port] = pair.remoteAddr;
    const path: Path = { pair, socket: this.#sockets.get(pair.protocol), address, port };
    if (![...this.#checked].some((known) => known.pair === pair)) this.#checked.add(path);
    const isFirst = this.#path === undefined;
    if (isFirst || this.#replacesPath(pair)) {
      this.#path = path;
      this.#lastReceivedAt = this.#clock.now();
      if (pair.nominated && this.#connection.nominated !== pair) selectPair(this.#connection, pair);
    }
    if (isFirst) this.#listener.onPath();
    const early = this.#early.filter((one) => one.address === address && one.port === port);
    this.#early = this.#early.filter((one) => !early.includes(one));
    for (const { data } of early) this.#route(data);
  }

  #replacesPath(pair: CandidatePair): boolean {
    const current = this.#path?.pair;
    if (!pair.nominated || current === pair) return false;
    // A new generation's first nominated pair, or the first nominated one at all.
    if (!current?.nominated || !this.#connection.checkList.includes(current)) return true;
    return (
      pair.priority > current.priority || this.#clock.now() - this.#lastReceivedAt > STALE_PATH_MS
    );
  }

  async #beforeTimeout(work: Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimeout(resolve, MAX_GATHERING_MS);
      const done = (): void => {
        timer.cancel();
        resolve();
      };
      work.then(done, done);
    });
  }
}
