import { describe, expect, it } from "vitest";
import { z } from "zod";

import { InvalidOptionError, NegotiationError } from "../errors.ts";
import { AdditionalInputs } from "./input-schema.ts";

const schema = z.object({
  voice: z.enum(["alto", "bass"]).default("alto"),
  style: z.object({ speed: z.number().max(2).default(1) }).default({ speed: 1 }),
});

describe("AdditionalInputs", () => {
  it("knows the defaults before anything is set", async () => {
    expect(await new AdditionalInputs(schema).initial()).toEqual({
      voice: "alto",
      style: { speed: 1 },
    });
    expect(await new AdditionalInputs(undefined).initial()).toEqual([]);
  });

  it("takes what fits and names the path of what does not", async () => {
    const inputs = new AdditionalInputs(schema);
    expect(await inputs.parse({ voice: "bass" })).toMatchObject({ voice: "bass" });
    const refused = inputs.parse({ style: { speed: 3 } });
    await expect(refused).rejects.toThrow("style.speed");
    await expect(refused).rejects.toBeInstanceOf(NegotiationError);
    await expect(refused).rejects.toMatchObject({ status: 400, issues: [{ path: "style.speed" }] });
  });

  it("passes anything on where there is no schema", async () => {
    expect(await new AdditionalInputs(undefined).parse([1, "two"])).toEqual([1, "two"]);
  });

  it("gives the JSON Schema that the page draws", () => {
    expect(new AdditionalInputs(schema).jsonSchema).toMatchObject({
      type: "object",
      properties: { voice: { enum: ["alto", "bass"], default: "alto" } },
    });
    expect(new AdditionalInputs(z.object({ when: z.date() })).jsonSchema).toBeNull();
  });

  it("refuses what is no schema", () => {
    expect(() => new AdditionalInputs({ voice: "alto" } as never)).toThrow(InvalidOptionError);
  });
});
