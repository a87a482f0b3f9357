/** One bound UDP socket: hands datagrams over without a detour, and never throws into the process. */

import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { TransportError } from "../../errors.ts";

/** Takes one datagram. `data` belongs to the callee. */
export type DatagramHandler = (data: Buffer, address: string, port: number) => void;

/** A UDP socket on one local address. */
export class UdpSocket {
  /** The local address. */
  readonly address: string;
  /** The local port. */
  readonly port: number;
  readonly family: 4 | 6;
  /** Whoever takes what comes in; assigned by the owner. */
  onDatagram: DatagramHandler = () => undefined;
  readonly #socket: Socket;
  #closing: Promise<void> | undefined;

  private constructor(socket: Socket, address: string) {
    this.#socket = socket;
    this.address = address;
    this.port = socket.address().port;
    this.family = isIPv6(address) ? 6 : 4;
    // The system writes addresses in canonical form; a socket on one IPv6 address sees no mapped ones.
    socket.on("message", (data, remote) => {
      this.onDatagram(data, remote.address, remote.port);
    });
    // Unreachable networks and refused ports are the path's business: ICE notices the silence. Without
    // a listener each would end the process.
    socket.on("error", () => undefined);
  }

  /**
   * Binds a socket.
   *
   * @param address - A local IP address.
   * @param portRange - First and last port to try; undefined lets the system choose.
   * @throws {@link TransportError} when no port is free or the address is not ours.
   */
  static async bind(
    address: string,
    portRange: readonly [number, number] | undefined,
  ): Promise<UdpSocket> {
    if (!portRange) return new UdpSocket(await bindSocket(address, 0), address);
    const [first, last] = portRange;
    const count = last - first + 1;
    // A random start: sessions that begin together would otherwise all knock at the same ports.
    const offset = Math.floor(Math.random() * count);
    for (let tried = 0; tried < count; tried++) {
      const port = first + ((offset + tried) % count);
      try {
        return new UdpSocket(await bindSocket(address, port), address);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE")
          throw cannotBind(address, error);
      }
    }
    throw new TransportError(
      `No UDP port between ${first} and ${last} is free on ${address}. Widen the port range: each session takes one port per address.`,
    );
  }

  /** Whether it takes no more. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Sends one datagram; errors are swallowed, as the network swallows packets. */
  send(data: Uint8Array, port: number, address: string): void {
    if (!this.closed) this.#socket.send(data, port, address);
  }

  /** Closes it; safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#socket.close(resolve);
    });
    return this.#closing;
  }
}

function bindSocket(address: string, port: number): Promise<Socket> {
  const socket = createSocket({
    type: isIPv6(address) ? "udp6" : "udp4",
    // Every address that we send to is a literal: Node's default would go through dns.lookup for each
    // packet.
    lookup: (hostname, _options, callback) => {
      callback(null, hostname, isIPv6(hostname) ? 6 : 4);
    },
  });
  return new Promise((resolve, reject) => {
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}

function cannotBind(address: string, cause: unknown): TransportError {
  return new TransportError(`No UDP socket can be opened on ${address}.`, { cause });
}
