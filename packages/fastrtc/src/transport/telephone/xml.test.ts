import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { escapeXml, xmlElement, xmlResponse } from "./xml.ts";

describe("xmlElement", () => {
  it("writes elements, attributes and children, and leaves out what is undefined", () => {
    const inner = xmlElement("Stream", { url: "wss://a", statusCallback: undefined });
    expect(xmlElement("Response", {}, [xmlElement("Connect", {}, [inner])])).toBe(
      '<Response><Connect><Stream url="wss://a"/></Connect></Response>',
    );
  });

  it("escapes what would end an attribute, or would be read as something else", () => {
    expect(xmlElement("P", { v: `"/><Hangup/>&'\t\n\r` })).toBe(
      '<P v="&quot;/&gt;&lt;Hangup/&gt;&amp;&apos;&#9;&#10;&#13;"/>',
    );
  });

  it("leaves out what XML cannot hold, and keeps every other character", () => {
    expect(escapeXml("a\u0000\u0008\uFFFE\uD800b")).toBe("ab");
    expect(escapeXml("grüß 你好 😀")).toBe("grüß 你好 😀");
  });

  it("never lets a text out of its attribute", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(xmlElement("P", { v: text })).toMatch(/^<P v="[^"<>]*"\/>$/);
      }),
      { seed: 5 },
    );
  });

  it("answers as XML that no cache keeps", async () => {
    const response = xmlResponse("<Response/>");
    expect(response.headers.get("content-type")).toBe("text/xml; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.text()).toBe('<?xml version="1.0" encoding="UTF-8"?><Response/>');
  });
});
