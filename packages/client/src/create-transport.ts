import type { ClientConfig } from "@fastrtc/protocol";
import type { FastRTCClientOptions } from "./client-options.ts";
import type { ClientTransport, ClientTransportListener } from "./client-transport.ts";
import type { Endpoint } from "./endpoint.ts";
import { PeerConnection } from "./peer-connection.ts";
import type { SessionClaim } from "./session-claim.ts";
import { SignalingClient } from "./signaling-client.ts";

/** What a transport is made of. */
export interface TransportSetup {
  readonly endpoint: Endpoint;
  readonly options: FastRTCClientOptions;
  readonly config: ClientConfig;
  readonly claim: SessionClaim;
  readonly listener: ClientTransportListener;
}

/** Makes the transport that the options ask for. */
export async function createTransport(setup: TransportSetup): Promise<ClientTransport> {
  const { endpoint, options, config, claim, listener } = setup;
  if (options.transport === "websocket") {
    // Pages that never use it need not load it.
    const { WebSocketTransport } = await import("./websocket/websocket-transport.ts");
    return new WebSocketTransport({ endpoint, claim, listener, ...options.websocket });
  }
  return new PeerConnection({
    rtcConfiguration:
      options.rtcConfiguration ?? (config.rtcConfiguration as RTCConfiguration | null) ?? undefined,
    signaling: new SignalingClient(endpoint, claim),
    listener,
  });
}
