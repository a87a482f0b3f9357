import type { ClientConfig } from "@fastrtc/protocol";
import type { Endpoint } from "./endpoint.ts";
import { isRecord } from "./record.ts";

/** What holds where the server says nothing. */
export const DEFAULT_CONFIG: ClientConfig = {
  modality: "audio",
  mode: "send-receive",
  rtcConfiguration: null,
  // Without echo cancellation a reply from a loudspeaker is heard as the user's barge-in.
  trackConstraints: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  additionalInputs: null,
  params: null,
  // A server that says nothing of it is not accused of it.
  isOpen: false,
  page: { title: "FastRTC", subtitle: "" },
};

/**
 * Asks the server how to connect.
 *
 * A server without the route (Python's FastRTC), or one that says something else there (Gradio),
 * gets the defaults, field by field.
 *
 * @throws {@link FastRTCClientError} `network` when the server cannot be reached.
 */
export async function fetchClientConfig(
  endpoint: Endpoint,
  signal?: AbortSignal,
): Promise<ClientConfig> {
  const { response, body } = await endpoint.get("/config", signal);
  if (!response.ok || !isRecord(body)) return DEFAULT_CONFIG;
  const { modality, mode, rtcConfiguration, trackConstraints, page } = body;
  const { additionalInputs, params, isOpen } = body;
  const text = (value: unknown, otherwise: string): string =>
    typeof value === "string" ? value : otherwise;
  return {
    modality:
      modality === "video" || modality === "audio-video" ? modality : DEFAULT_CONFIG.modality,
    mode: mode === "send" || mode === "receive" ? mode : DEFAULT_CONFIG.mode,
    rtcConfiguration: isRecord(rtcConfiguration) ? rtcConfiguration : null,
    trackConstraints: isRecord(trackConstraints)
      ? trackConstraints
      : DEFAULT_CONFIG.trackConstraints,
    additionalInputs: isRecord(additionalInputs) ? additionalInputs : null,
    params: isRecord(params) ? params : null,
    isOpen: isOpen === true,
    page: isRecord(page)
      ? {
          title: text(page["title"], DEFAULT_CONFIG.page.title),
          subtitle: text(page["subtitle"], DEFAULT_CONFIG.page.subtitle),
        }
      : DEFAULT_CONFIG.page,
  };
}
