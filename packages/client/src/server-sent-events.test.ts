import fc from "fast-check";
import { expect, test } from "vitest";
import { ServerSentEventParser } from "./server-sent-events.ts";

test("reads event, data and id", () => {
  const events = new ServerSentEventParser().push('id: 7\nevent: output\ndata: {"a":1}\n\n');
  expect(events).toEqual([{ event: "output", data: '{"a":1}', id: "7" }]);
});

test("joins data lines, skips comments and unknown fields, and keeps the last id", () => {
  const parser = new ServerSentEventParser();
  expect(parser.push("id:1\n: keep-alive\ndata: a\ndata:  b\nfoo: bar\n\n")).toEqual([
    { event: "message", data: "a\n b", id: "1" },
  ]);
  expect(parser.push("event: lonely\n\ndata\n\n")).toEqual([
    { event: "message", data: "", id: "1" },
  ]);
});

test("ignores a byte order mark at the start only", () => {
  expect(new ServerSentEventParser().push("\uFEFFdata: a\n\n")[0]?.data).toBe("a");
});

test("reads the same events wherever the pieces fall and however lines end", () => {
  const line = fc.constantFrom("data: x", "data: y: z", "event: output", "id: 4", ": note", "");
  const lines = fc.array(line, { maxLength: 20 });
  const cuts = fc.array(fc.nat(6), { maxLength: 60 });
  fc.assert(
    fc.property(lines, fc.constantFrom("\n", "\r", "\r\n"), cuts, (texts, lineEnd, sizes) => {
      const write = (end: string): string => [...texts, "", ":"].join(end);
      let rest = write(lineEnd);
      const parser = new ServerSentEventParser();
      const events = [];
      for (const size of sizes) {
        events.push(...parser.push(rest.slice(0, size)));
        rest = rest.slice(size);
      }
      events.push(...parser.push(rest));
      expect(events).toEqual(new ServerSentEventParser().push(write("\n")));
    }),
    { seed: 11, numRuns: 300 },
  );
});

test("refuses an event that never ends", () => {
  const parser = new ServerSentEventParser();
  const megabyte = "x".repeat(1024 * 1024);
  expect(() => {
    for (let piece = 0; piece < 5; piece += 1) parser.push(`data: ${megabyte}\n`);
  }).toThrow(RangeError);
});
