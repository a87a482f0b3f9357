import { expect, test } from "vitest";
import { z } from "zod";
import { readInputFields, type InputControl } from "./input-schema.ts";

const control = (property: unknown, root: object = {}): InputControl =>
  readInputFields({ ...root, properties: { x: property } })[0]!.control;

test("reads title, description, default and whether it must be there", () => {
  const schema = {
    type: "object",
    required: ["voice"],
    properties: {
      voice: { type: "string", title: "Voice", description: "Who speaks", default: "alto" },
      speed: { type: "number" },
    },
  };
  expect(readInputFields(schema)).toMatchObject([
    { name: "voice", title: "Voice", description: "Who speaks", initial: "alto", required: true },
    { name: "speed", title: "speed", description: "", initial: undefined, required: false },
  ]);
});

test.each([
  [{ type: "string" }, "text"],
  [{ type: "string", format: "password" }, "password"],
  [{ type: "string", maxLength: 2000 }, "paragraph"],
  [{ type: "boolean" }, "switch"],
  [{ type: "array", items: {} }, "json"],
  [{}, "json"],
  [true, "json"],
  [{ type: ["string", "null"] }, "text"],
  [{ anyOf: [{ type: "boolean" }, { type: "null" }] }, "switch"],
  [{ anyOf: [{ type: "boolean" }, { type: "string" }] }, "json"],
])("shows %j as %s", (property, kind) => {
  expect(control(property).kind).toBe(kind);
});

test("offers the choices of an enum, whatever they are", () => {
  expect(control({ enum: ["a", 2, null] })).toEqual({ kind: "choice", choices: ["a", 2, null] });
});

test("draws a slider only where its stops can be hit", () => {
  expect(control({ type: "number", minimum: 0, maximum: 1 })).toEqual({
    kind: "slider",
    min: 0,
    max: 1,
    step: 0.01,
  });
  expect(control({ type: "integer", exclusiveMinimum: 0, exclusiveMaximum: 10 })).toEqual({
    kind: "slider",
    min: 1,
    max: 9,
    step: 1,
  });
  expect(control({ type: "integer", minimum: 0, maximum: 5000 }).kind).toBe("number");
  expect(control({ type: "number", minimum: 0 })).toMatchObject({ kind: "number", step: "any" });
});

test("follows references inside the document, and leaves a circle", () => {
  const root = { $defs: { a: { enum: ["x"] }, loop: { $ref: "#/$defs/loop" } } };
  expect(control({ $ref: "#/$defs/a" }, root)).toEqual({ kind: "choice", choices: ["x"] });
  expect(control({ $ref: "#/$defs/loop" }, root).kind).toBe("json");
  expect(control({ $ref: "https://elsewhere.test/a" }, root).kind).toBe("json");
});

test("reads what zod writes", () => {
  const schema = z.toJSONSchema(
    z.object({
      count: z.int(),
      speed: z.number().min(0.5).max(2).default(1),
      tone: z.enum(["calm", "bright"]),
      note: z.string().nullable(),
    }),
  );
  expect(readInputFields(schema).map((field) => [field.name, field.control.kind])).toEqual([
    ["count", "number"],
    ["speed", "slider"],
    ["tone", "choice"],
    ["note", "text"],
  ]);
});
