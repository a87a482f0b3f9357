/** What flite can read: English letters, as ASCII. */

const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  [/[‘’‚‛′]/g, "'"],
  [/[“”„‟″«»]/g, '"'],
  [/…/g, "..."],
  [/\s*[–—―]\s*/g, ", "],
  [/ß/g, "ss"],
  [/æ/gi, "ae"],
  [/œ/gi, "oe"],
  [/ø/gi, "o"],
  [/ł/gi, "l"],
  [/€\s*([\d.,]*\d)/g, "$1 euros"],
  [/£\s*([\d.,]*\d)/g, "$1 pounds"],
  [/°/g, " degrees"],
  // Markup that a language model likes, and nobody wants to hear.
  [/[*_`#]+/g, " "],
];

/** Returns a text in the characters that flite knows; empty when none of its words has any. */
export function toFliteText(text: string): string {
  let ascii = text;
  for (const [pattern, replacement] of REPLACEMENTS) ascii = ascii.replace(pattern, replacement);
  ascii = ascii
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim();
  return /[a-z0-9]/i.test(ascii) ? ascii : "";
}
