/** How good the connection is. */
export interface ConnectionStats {
  /** Network round trip in milliseconds; undefined until it is known. */
  readonly roundTripMs: number | undefined;
  /** Share of the server's audio packets that were lost since the last reading, 0 to 1. */
  readonly inboundLossShare: number | undefined;
  /** Share of the microphone's packets that the server missed lately, 0 to 1. */
  readonly outboundLossShare: number | undefined;
  /** How long audio waited in the browser's jitter buffer since the last reading. */
  readonly jitterBufferMs: number | undefined;
}

/** Reads W3C statistics; keeps the last counters, because only differences tell what is now. */
export class ConnectionStatsReader {
  #received = 0;
  #lost = 0;
  #bufferDelay = 0;
  #buffered = 0;

  /** Takes one report of `RTCPeerConnection.getStats()`. */
  read(report: RTCStatsReport): ConnectionStats {
    let pair: Record<string, unknown> | undefined;
    let selectedPairId: unknown;
    let inbound: Record<string, unknown> | undefined;
    let remoteInbound: Record<string, unknown> | undefined;
    report.forEach((stats: Record<string, unknown>) => {
      if (stats["type"] === "transport") selectedPairId = stats["selectedCandidatePairId"];
      else if (stats["type"] === "inbound-rtp" && stats["kind"] === "audio") inbound = stats;
      else if (stats["type"] === "remote-inbound-rtp" && stats["kind"] === "audio") {
        remoteInbound = stats;
      }
      // Firefox has no transport statistics and marks the pair itself.
      else if (stats["type"] === "candidate-pair" && stats["selected"] === true) pair = stats;
    });
    if (typeof selectedPairId === "string") {
      pair = report.get(selectedPairId) as Record<string, unknown> | undefined;
    }
    const roundTripSeconds =
      readNumber(pair, "currentRoundTripTime") ?? readNumber(remoteInbound, "roundTripTime");
    return {
      roundTripMs: roundTripSeconds === undefined ? undefined : roundTripSeconds * 1000,
      outboundLossShare: readNumber(remoteInbound, "fractionLost"),
      ...this.#readInbound(inbound),
    };
  }

  #readInbound(
    inbound: Record<string, unknown> | undefined,
  ): Pick<ConnectionStats, "inboundLossShare" | "jitterBufferMs"> {
    const received = readNumber(inbound, "packetsReceived") ?? 0;
    const lost = readNumber(inbound, "packetsLost") ?? 0;
    const bufferDelay = readNumber(inbound, "jitterBufferDelay") ?? 0;
    const buffered = readNumber(inbound, "jitterBufferEmittedCount") ?? 0;
    // packetsLost may fall when a packet counted as lost comes after all.
    const newlyLost = Math.max(0, lost - this.#lost);
    const expected = newlyLost + received - this.#received;
    const emitted = buffered - this.#buffered;
    const stats = {
      inboundLossShare: expected > 0 ? newlyLost / expected : undefined,
      jitterBufferMs:
        emitted > 0 ? ((bufferDelay - this.#bufferDelay) / emitted) * 1000 : undefined,
    };
    this.#received = received;
    this.#lost = lost;
    this.#bufferDelay = bufferDelay;
    this.#buffered = buffered;
    return stats;
  }
}

function readNumber(stats: Record<string, unknown> | undefined, name: string): number | undefined {
  const value = stats?.[name];
  return typeof value === "number" ? value : undefined;
}
