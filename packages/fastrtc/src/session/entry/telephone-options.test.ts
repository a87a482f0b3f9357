import { describe, expect, it } from "vitest";

import { InvalidOptionError } from "../../errors.ts";
import { twilio } from "../../transport/telephone/twilio.ts";
import { checkTelephoneOption } from "./telephone-options.ts";

describe("checkTelephoneOption", () => {
  const first = twilio();
  const second = { ...twilio(), name: "other" };

  it("takes one carrier, several, or carriers with more to say", () => {
    const params = (): Record<string, string> => ({});
    expect(checkTelephoneOption(first)).toEqual({ carriers: [first] });
    expect(checkTelephoneOption([first, second])).toEqual({ carriers: [first, second] });
    expect(checkTelephoneOption({ carriers: [first], params })).toEqual({
      carriers: [first],
      params,
    });
  });

  it("refuses no carriers, two of one name, and names that stand in no route", () => {
    for (const option of [
      [],
      { carriers: [] },
      [first, first],
      [{ ...first, name: "incoming" }],
      [{ ...first, name: "a/b" }],
      [{ ...first, name: "" }],
    ]) {
      expect(() => checkTelephoneOption(option)).toThrow(InvalidOptionError);
    }
  });
});
