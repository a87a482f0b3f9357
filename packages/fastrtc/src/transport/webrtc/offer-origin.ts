/**
 * Reads who made an offer: the `o=` line's session and the certificate's fingerprints.
 *
 * An offer with the same origin as an earlier one continues it (RFC 8829 section 5.2.2): it restarts
 * ICE. One of another origin is somebody else's, whatever id it names.
 */
export function offerOrigin(sdp: string): string {
  const session = /^o=\S+ (\S+) /m.exec(sdp)?.[1] ?? "";
  const fingerprints = [...sdp.matchAll(/^a=fingerprint:(\S+ \S+)/gm)].map(([, value]) =>
    (value ?? "").toLowerCase(),
  );
  return [session, ...new Set(fingerprints)].join(" ");
}
