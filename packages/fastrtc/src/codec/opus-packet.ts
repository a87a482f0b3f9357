/** What an Opus packet says of itself, without decoding it. */

const MAX_FRAME_BYTES = 1275;

/**
 * Returns how much sound a packet holds, in samples per channel, or undefined when it is malformed.
 *
 * Checks all that RFC 6716 section 3.4 demands of a packet, so that what passes here decodes.
 * Nothing is allocated.
 *
 * @param packet - The bytes, without RTP header.
 * @param sampleRate - The rate in Hz that samples are counted at.
 */
export function opusPacketDurationSamples(
  packet: Uint8Array,
  sampleRate = 48_000,
): number | undefined {
  const toc = packet[0];
  if (toc === undefined) return undefined;
  const samples = opusFrameDurationSamples(toc, sampleRate);
  const body = packet.length - 1;
  switch (toc & 3) {
    case 0:
      return body <= MAX_FRAME_BYTES ? samples : undefined;
    case 1:
      return body % 2 === 0 && body <= 2 * MAX_FRAME_BYTES ? 2 * samples : undefined;
    case 2:
      return isTwoFrames(packet) ? 2 * samples : undefined;
    default: {
      const frames = (packet[1] ?? 0) & 0x3f;
      // At most 120 ms, requirement R5.
      if (frames === 0 || frames * samples * 25 > 3 * sampleRate) return undefined;
      return isManyFrames(packet, frames) ? frames * samples : undefined;
    }
  }
}

// https://www.rfc-editor.org/rfc/rfc6716#section-3.1, table 2
function opusFrameDurationSamples(toc: number, sampleRate: number): number {
  const config = toc >> 3;
  // CELT: 2.5, 5, 10 or 20 ms.
  if (config >= 16) return (sampleRate << (config & 3)) / 400;
  // Hybrid: 10 or 20 ms.
  if (config >= 12) return (sampleRate << (config & 1)) / 100;
  // SILK: 10, 20, 40 or 60 ms.
  return (config & 3) === 3 ? (sampleRate * 3) / 50 : (sampleRate << (config & 3)) / 100;
}

function isTwoFrames(packet: Uint8Array): boolean {
  const first = frameBytes(packet, 1);
  if (first < 0) return false;
  const second = packet.length - 1 - lengthBytes(first) - first;
  return second >= 0 && second <= MAX_FRAME_BYTES;
}

// https://www.rfc-editor.org/rfc/rfc6716#section-3.2.5
function isManyFrames(packet: Uint8Array, frames: number): boolean {
  const flags = packet[1] ?? 0;
  let at = 2;
  let padding = 0;
  if ((flags & 0x40) !== 0) {
    let byte = 255;
    while (byte === 255) {
      const next = packet[at++];
      if (next === undefined) return false;
      byte = next;
      padding += byte === 255 ? 254 : byte;
    }
  }
  const end = packet.length - padding;
  if (end < at) return false;
  if ((flags & 0x80) === 0) {
    const rest = end - at;
    return rest % frames === 0 && rest / frames <= MAX_FRAME_BYTES;
  }
  let total = 0;
  for (let frame = 0; frame < frames - 1; frame++) {
    const bytes = frameBytes(packet, at);
    if (bytes < 0) return false;
    at += lengthBytes(bytes);
    total += bytes;
  }
  const last = end - at - total;
  return last >= 0 && last <= MAX_FRAME_BYTES;
}

// One frame's length is coded in one byte, or from 252 on in two; -1 where they are missing:
// https://www.rfc-editor.org/rfc/rfc6716#section-3.2.1
function frameBytes(packet: Uint8Array, at: number): number {
  const first = packet[at];
  if (first === undefined) return -1;
  if (first < 252) return first;
  const second = packet[at + 1];
  return second === undefined ? -1 : first + 4 * second;
}

function lengthBytes(frame: number): number {
  return frame < 252 ? 1 : 2;
}
