import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TransportError } from "../../errors.ts";
import {
  base64Of,
  bytesOf,
  fieldsOf,
  parseJsonMessage,
  textOf,
  textsOf,
  wholeNumberOf,
} from "./json-message.ts";

describe("parseJsonMessage", () => {
  it("reads an object", () => {
    expect(parseJsonMessage('{"event":"media"}')).toEqual({ event: "media" });
  });

  it.each(["", "{", "[]", "null", "7", '"x"', `"${"x".repeat(70_000)}"`, new Uint8Array(2)])(
    "refuses what is no JSON object (%#)",
    (message) => {
      expect(() => parseJsonMessage(message)).toThrow(TransportError);
    },
  );
});

describe("bytesOf", () => {
  it("decodes what base64Of encodes, with padding and without", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (bytes) => {
        const text = base64Of(bytes);
        expect(new Uint8Array(bytesOf(text))).toEqual(bytes);
        expect(new Uint8Array(bytesOf(text.replaceAll("=", "")))).toEqual(bytes);
      }),
      { seed: 5 },
    );
  });

  it("encodes a view of a larger buffer alone", () => {
    expect(base64Of(Uint8Array.of(9, 1, 2, 9).subarray(1, 3))).toBe("AQI=");
  });

  it.each(["", "=", "A", "%%%%", "AAA A", "AA=A", "AAAA\n", undefined, 7, {}])(
    "refuses what is no base64: %j",
    (value) => {
      expect(() => bytesOf(value)).toThrow(TransportError);
    },
  );
});

describe("fields of strangers' JSON", () => {
  it("are read where they are what they should be, and passed over where not", () => {
    expect(fieldsOf({ a: 1 })).toEqual({ a: 1 });
    for (const value of [undefined, null, 7, "x"]) expect(fieldsOf(value)).toEqual({});
    expect([textOf("x"), textOf(7), textOf(""), textOf(null)]).toEqual([
      "x",
      "7",
      undefined,
      undefined,
    ]);
    expect(["5", 5, "5.5", "x", "", null, 1e300].map(wholeNumberOf)).toEqual([
      5,
      5,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("keep a parameter of any name, and change no prototype", () => {
    const texts = textsOf(JSON.parse('{"__proto__":"x","n":7,"empty":"","o":{}}'));
    expect(Object.entries(texts)).toEqual([
      ["__proto__", "x"],
      ["n", "7"],
      ["empty", ""],
    ]);
    expect(Object.getPrototypeOf(texts)).toBe(Object.prototype);
  });
});
