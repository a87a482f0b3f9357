import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

interface ClientParser {
  readonly parseRealtimeEvent: (event: { readonly data: string }) => {
    readonly isGeneric: boolean;
  };
}

// The stock client's own parser, which its package does not export: what it does not know by its
// schema reaches no listener but those for everything.
const main = createRequire(import.meta.url).resolve("@openai/agents-realtime");
const file = pathToFileURL(path.join(path.dirname(main), "openaiRealtimeEvents.mjs")).href;
const { parseRealtimeEvent } = (await import(file)) as ClientParser;

/** Tells whether the stock client takes an event for the one that it says it is. */
export function fitsClientSchema(text: string): boolean {
  return !parseRealtimeEvent({ data: text }).isGeneric;
}
