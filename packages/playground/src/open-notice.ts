import { findElement } from "./element.ts";

/** Tells whether only this computer can reach a page at that host. */
export function isLoopback(hostname: string): boolean {
  // All of these are loopback: RFC 6761 section 6.3, RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3.
  return /^(.+\.)?localhost\.?$|^127(\.\d+){3}$|^\[?::1\]?$/i.test(hostname);
}

/** Says that the server lets everybody in, unless only this computer can reach it. */
export function showOpenNotice(hostname: string): void {
  findElement("open-notice", HTMLElement).hidden = isLoopback(hostname);
}
