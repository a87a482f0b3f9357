/**
 * Asks for more of Opus than browsers offer by themselves: that lost packets are sent again (RFC 4585
 * section 4.2), and that two channels may come (RFC 7587 section 7.1). The server decides.
 *
 * @param sdp - The browser's offer.
 * @returns the offer with both in its Opus format; unchanged where it has no Opus.
 */
export function extendAudioOffer(sdp: string): string {
  const payloadType = /^a=rtpmap:(\d+) opus\/48000\/2\r?$/m.exec(sdp)?.[1];
  if (payloadType === undefined) return sdp;
  let extended = sdp;
  const nack = `a=rtcp-fb:${payloadType} nack`;
  if (!new RegExp(`^${nack}\\r?$`, "m").test(extended)) {
    extended = extended.replace(
      /^a=rtpmap:\d+ opus\/48000\/2\r?$/m,
      (line) => `${line}\n${nack}\r`,
    );
  }
  return extended.replace(
    new RegExp(`^(a=fmtp:${payloadType} .*?)(\\r?)$`, "m"),
    (line, format: string, end: string) =>
      /[ ;]stereo=/.test(format) ? line : `${format};stereo=1${end}`,
  );
}
