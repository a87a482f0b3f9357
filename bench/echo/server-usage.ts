/** What an echo server says of itself at `GET /usage`; ours and aiortc's alike. */

/** What a server process has used. */
export interface ServerUsage {
  /** CPU time of all its threads since it started, in milliseconds. */
  readonly cpuMs: number;
  /** Resident memory in bytes. */
  readonly rssBytes: number;
  /** How late its event loop was since the last time it was asked, in milliseconds. */
  readonly loopDelayMsP99: number;
}

/** Asks a server. */
export async function fetchUsage(url: string): Promise<ServerUsage> {
  const response = await fetch(`${url}/usage`);
  return (await response.json()) as ServerUsage;
}
