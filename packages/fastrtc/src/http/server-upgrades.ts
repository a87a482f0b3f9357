/**
 * Takes some of a node server's upgrade requests, and leaves it the rest.
 *
 * Below a framework an upgrade goes through the application like any other request, so that its
 * middleware (who is this, which proxy is trusted) decides about it too; the mounted stream takes
 * the socket where that request reaches it.
 */

import { Server, ServerResponse } from "node:http";
import type { IncomingMessage } from "node:http";
import { Server as SecureServer } from "node:https";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { UpgradeExchange } from "../transport/websocket/ws-socket.ts";

/** A server whose upgrades can be taken. */
export type UpgradeServer = Server | SecureServer;

/** Takes an upgrade, and returns true; or returns false and leaves it as it is. */
export type UpgradeClaim = (incoming: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

interface Presented extends UpgradeExchange {
  readonly socket: Socket;
  readonly response: ServerResponse;
}

const claimsOf = new WeakMap<UpgradeServer, Set<UpgradeClaim>>();
const presented = new WeakMap<IncomingMessage, Presented>();

/**
 * Shows a server's upgrade requests to a claim before anybody else sees them.
 *
 * @returns a function that ends it.
 */
export function claimUpgrades(server: UpgradeServer, claim: UpgradeClaim): () => void {
  const claims = claimsOf.get(server) ?? intercept(server);
  claims.add(claim);
  return () => {
    claims.delete(claim);
  };
}

/** Returns the server that a socket came in through; undefined where it is not one of node's. */
export function serverOf(socket: unknown): UpgradeServer | undefined {
  // Not documented, and set since node 0.4.
  const server = (socket as { readonly server?: unknown } | undefined)?.server;
  return server instanceof Server || server instanceof SecureServer ? server : undefined;
}

/**
 * Gives an upgrade request to the application as a request without upgrade: what node itself does
 * where nobody listens for upgrades. {@link takeUpgrade} takes it out of there.
 */
export function presentUpgrade(server: UpgradeServer, exchange: UpgradeExchange): void {
  const { incoming, socket } = exchange;
  const { headers } = incoming;
  // The parser has let go of the body, and some clients send "Upgrade: h2c" with one.
  const hasBody = "transfer-encoding" in headers || Number(headers["content-length"] ?? 0) > 0;
  if (hasBody || !(socket instanceof Socket) || server.listenerCount("request") === 0) {
    socket.destroy();
    return;
  }
  socket.on("error", destroyThis);
  const response = new ServerResponse(incoming);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once("finish", () => {
    response.detachSocket(socket);
    socket.destroySoon();
  });
  presented.set(incoming, { ...exchange, socket, response });
  incoming.push(null);
  server.emit("request", incoming, response);
}

/**
 * Takes the socket of an upgrade that the application was given as a request. Its response must not
 * be used then.
 *
 * @returns undefined when the request is a plain one.
 */
export function takeUpgrade(incoming: IncomingMessage): UpgradeExchange | undefined {
  const found = presented.get(incoming);
  if (!found || found.response.headersSent) return undefined;
  presented.delete(incoming);
  const { response, socket } = found;
  socket.off("error", destroyThis);
  response.detachSocket(socket);
  return found;
}

function intercept(server: UpgradeServer): Set<UpgradeClaim> {
  const claims = new Set<UpgradeClaim>();
  claimsOf.set(server, claims);
  // Listeners of the application see every upgrade, and many of them refuse what they do not know:
  // `emit` is the one place before all of them, also those that are added later.
  const emit = server.emit.bind(server) as (event: string, ...args: unknown[]) => boolean;
  server.emit = (event: string, ...args: unknown[]): boolean => {
    if (event !== "upgrade") return emit(event, ...args);
    const [incoming, socket, head] = args as [IncomingMessage, Duplex, Buffer];
    for (const claim of claims) if (claim(incoming, socket, head)) return true;
    return emit(event, ...args);
  };
  // Node announces upgrades only where somebody listens.
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (server.listenerCount("upgrade") > 1) return;
    presentUpgrade(server, { incoming, socket, head });
  });
  return claims;
}

function destroyThis(this: Duplex): void {
  this.destroy();
}
