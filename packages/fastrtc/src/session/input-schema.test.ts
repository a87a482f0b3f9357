import { describe, expect, it } from "vitest";
import { z } from "zod";

import { InvalidOptionError, NegotiationError } from "../errors.ts";
import { ClientValues } from "./input-schema.ts";

const schema = z.object({
  voice: z.enum(["alto", "bass"]).default("alto"),
  style: z.object({ speed: z.number().max(2).default(1) }).default({ speed: 1 }),
});

describe("ClientValues", () => {
  it("knows the defaults before anything is set", async () => {
    expect(await new ClientValues("additionalInputs", schema).initial([])).toEqual({
      voice: "alto",
      style: { speed: 1 },
    });
    expect(await new ClientValues("additionalInputs", undefined).initial([])).toEqual([]);
  });

  it("takes what fits and names the path of what does not", async () => {
    const inputs = new ClientValues("additionalInputs", schema);
    expect(await inputs.parse({ voice: "bass" })).toMatchObject({ voice: "bass" });
    const refused = inputs.parse({ style: { speed: 3 } });
    await expect(refused).rejects.toThrow("style.speed");
    await expect(refused).rejects.toBeInstanceOf(NegotiationError);
    await expect(refused).rejects.toMatchObject({ status: 400, issues: [{ path: "style.speed" }] });
  });

  it("passes anything on where there is no schema", async () => {
    expect(await new ClientValues("additionalInputs", undefined).parse([1, "two"])).toEqual([
      1,
      "two",
    ]);
  });

  it("gives the JSON Schema that the page draws", () => {
    expect(new ClientValues("additionalInputs", schema).jsonSchema).toMatchObject({
      type: "object",
      properties: { voice: { enum: ["alto", "bass"], default: "alto" } },
    });
    expect(
      new ClientValues("additionalInputs", z.object({ when: z.date() })).jsonSchema,
    ).toBeNull();
  });

  it("refuses what is no schema", () => {
    expect(() => new ClientValues("additionalInputs", { voice: "alto" } as never)).toThrow(
      InvalidOptionError,
    );
  });
});
