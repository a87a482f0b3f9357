/** Counts the UDP sockets that this process has open: each session has one for each local address. */
export function countUdpSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "UDPWrap").length;
}
