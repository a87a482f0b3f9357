import {
  canSelectSpeaker,
  listAudioDevices,
  type AudioDevice,
  type FastRTCClient,
} from "@fastrtc/client";
import { createElement, findElement } from "./element.ts";

/** Lets the user choose microphone and speaker, before and during a session. */
export function showDevices(client: FastRTCClient, onError: (error: unknown) => void): void {
  const microphone = findElement("microphone", HTMLSelectElement);
  const speaker = findElement("speaker", HTMLSelectElement);
  speaker.disabled = !canSelectSpeaker();

  const refresh = async (): Promise<void> => {
    const { microphones, speakers } = await listAudioDevices();
    fill(microphone, microphones);
    fill(speaker, speakers);
  };
  const refreshOrReport = (): void => {
    refresh().catch(onError);
  };

  microphone.addEventListener("change", () => {
    client.setMicrophone(microphone.value || undefined).catch(onError);
  });
  speaker.addEventListener("change", () => {
    client.setSpeaker(speaker.value || undefined).catch(onError);
  });
  // Labels are hidden until the user has allowed the microphone.
  client.on("state-changed", ({ state }) => {
    if (state === "connected") refreshOrReport();
  });
  (navigator as Partial<Navigator>).mediaDevices?.addEventListener("devicechange", refreshOrReport);
  // Firefox takes its time to list devices; the default can be chosen at once.
  fill(microphone, []);
  fill(speaker, []);
  refreshOrReport();
}

function fill(select: HTMLSelectElement, devices: readonly AudioDevice[]): void {
  const chosen = select.value;
  const standard = createElement("option", "System default");
  standard.value = "";
  // Chromium lists the default device a second time, under this id.
  const others = devices.filter(({ deviceId }) => deviceId !== "default");
  select.replaceChildren(
    standard,
    ...others.map(({ deviceId, label }) => {
      const option = createElement("option", label);
      option.value = deviceId;
      return option;
    }),
  );
  select.value = others.some(({ deviceId }) => deviceId === chosen) ? chosen : "";
}
