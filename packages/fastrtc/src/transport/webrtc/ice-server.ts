/** Reads the STUN and TURN servers that the server itself uses into what werift takes. */

import { InvalidOptionError } from "../../errors.ts";
import type { IceServer } from "./backend.ts";

/** What werift's ICE agent takes: one STUN and one TURN server. */
export interface IceServerSettings {
  readonly stunServer?: readonly [string, number];
  readonly turnServer?: readonly [string, number];
  readonly turnUsername?: string;
  readonly turnPassword?: string;
  readonly turnTransport?: "udp" | "tcp" | "tls";
}

// RFC 7064 and RFC 7065: scheme, host, port, and for TURN a transport.
const ICE_URL =
  /^(stun|turn|turns):(?:\/\/)?(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/;

/**
 * Takes the first STUN and the first TURN server of a list.
 *
 * @throws {@link InvalidOptionError} when a URL is malformed or a TURN server lacks its credential.
 */
export function readIceServers(servers: readonly IceServer[]): IceServerSettings {
  let stun: IceServerSettings = {};
  let turn: IceServerSettings = {};
  for (const server of servers) {
    const { urls } = server;
    for (const url of typeof urls === "string" ? [urls] : urls) {
      const [, scheme, host = "", port, transport] = ICE_URL.exec(url) ?? [];
      if (scheme === undefined) {
        throw new InvalidOptionError(
          "iceServers",
          url,
          "Write stun:host:port or turn:host:port?transport=udp.",
        );
      }
      const address = [
        host.replace(/[[\]]/g, ""),
        Number(port ?? (scheme === "turns" ? 5349 : 3478)),
      ] as const;
      if (scheme === "stun") {
        stun = stun.stunServer ? stun : { stunServer: address };
      } else if (!turn.turnServer) {
        turn = turnSettings(server, url, address, scheme === "turns" ? "tls" : transport);
      }
    }
  }
  return { ...stun, ...turn };
}

function turnSettings(
  server: IceServer,
  url: string,
  turnServer: readonly [string, number],
  transport: string | undefined,
): IceServerSettings {
  const { username, credential } = server;
  if (username === undefined || credential === undefined) {
    throw new InvalidOptionError("iceServers", url, "A TURN server needs username and credential.");
  }
  const turnTransport = transport === "tls" || transport === "tcp" ? transport : "udp";
  return { turnServer, turnUsername: username, turnPassword: credential, turnTransport };
}
