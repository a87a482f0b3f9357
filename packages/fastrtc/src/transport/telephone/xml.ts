const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  // A parser reads these in an attribute as spaces.
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/**
 * Writes an element.
 *
 * @param attributes - Undefined ones are left out.
 * @param children - Elements written by this function.
 */
export function xmlElement(
  name: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  children: readonly string[] = [],
): string {
  const written = Object.entries(attributes)
    .map(([key, value]) => (value === undefined ? "" : ` ${key}="${escapeXml(value)}"`))
    .join("");
  return children.length === 0
    ? `<${name}${written}/>`
    : `<${name}${written}>${children.join("")}</${name}>`;
}

/** Makes the answer to a webhook out of an element. */
export function xmlResponse(element: string): Response {
  return new Response(`<?xml version="1.0" encoding="UTF-8"?>${element}`, {
    headers: { "content-type": "text/xml; charset=utf-8", "cache-control": "no-store" },
  });
}

/** Escapes text for an attribute or an element, and leaves out what XML 1.0 cannot hold. */
export function escapeXml(text: string): string {
  return (
    text
      // https://www.w3.org/TR/xml/#charsets; lone surrogates are matched because of the u flag.
      .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "")
      .replace(/[&<>"'\t\n\r]/g, (character) => ESCAPES[character] ?? character)
  );
}
