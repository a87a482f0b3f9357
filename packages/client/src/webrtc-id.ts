/**
 * Makes a session id that nobody can guess.
 *
 * `crypto.randomUUID` exists on https and localhost only; a page on http in a local network may
 * still listen, so the same 122 random bits are then drawn by hand.
 */
export function createWebrtcId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  // Version 4, variant 10: https://www.rfc-editor.org/rfc/rfc9562#section-5.4
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
