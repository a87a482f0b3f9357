/** One microphone or speaker. */
export interface AudioDevice {
  readonly deviceId: string;
  /** What the system calls it; a number until the user has allowed the microphone once. */
  readonly label: string;
}

/** What is plugged in. */
export interface AudioDevices {
  readonly microphones: readonly AudioDevice[];
  /** Empty where the browser does not let pages choose. */
  readonly speakers: readonly AudioDevice[];
}

/** Tells whether this browser lets a page choose its speaker. */
export function canSelectSpeaker(): boolean {
  return typeof HTMLMediaElement !== "undefined" && "setSinkId" in HTMLMediaElement.prototype;
}

/**
 * Lists microphones and speakers.
 *
 * Ask again after `devicechange` on `navigator.mediaDevices` and once connected: before the user
 * has allowed the microphone, browsers hide ids and labels.
 */
export async function listAudioDevices(): Promise<AudioDevices> {
  const media = (navigator as Partial<Navigator>).mediaDevices;
  if (media === undefined) return { microphones: [], speakers: [] };
  const devices = await media.enumerateDevices();
  return {
    microphones: readDevices(devices, "audioinput", "Microphone"),
    speakers: canSelectSpeaker() ? readDevices(devices, "audiooutput", "Speaker") : [],
  };
}

function readDevices(
  devices: readonly MediaDeviceInfo[],
  kind: MediaDeviceKind,
  noun: string,
): AudioDevice[] {
  return devices
    .filter((device) => device.kind === kind && device.deviceId !== "")
    .map(({ deviceId, label }, index) => ({ deviceId, label: label || `${noun} ${index + 1}` }));
}
