import { describe, expect, it } from "vitest";

import { HeardAudio } from "./heard-audio.ts";

describe("HeardAudio", () => {
  it("counts what was sent, less what is still on its way", () => {
    const heard = new HeardAudio();
    const sent = heard.add(1000, undefined);
    expect(heard.heard(0)).toEqual({ ms: 0, text: "" });
    sent(20);
    expect(heard.isAudible).toBe(true);
    sent(180);
    expect(heard.heard(60).ms).toBe(140);
    expect(heard.heard(500).ms).toBe(0);
  });

  it("gives whole words only, rounded down", () => {
    const heard = new HeardAudio();
    const first = heard.add(1000, "One two three four.");
    const second = heard.add(1000, " Five six.");
    expect(heard.heard(0).text).toBe("");
    first(500);
    expect(heard.heard(0).text).toBe("One two");
    first(500);
    expect(heard.heard(0).text).toBe("One two three four.");
    second(600);
    expect(heard.heard(0).text).toBe("One two three four. Five");
  });

  it("goes on with a sentence whose audio comes in pieces", () => {
    const heard = new HeardAudio();
    const pieces = ["Hello there my friend", undefined, undefined, undefined].map((text) =>
      heard.add(250, text),
    );
    for (const sent of pieces.slice(0, 3)) sent(250);
    expect(heard.heard(0).text).toBe("Hello there my");
    pieces[3]!(250);
    expect(heard.heard(0).text).toBe("Hello there my friend");
  });

  it("cuts languages without spaces at words too", () => {
    const heard = new HeardAudio();
    heard.add(1000, "我喜欢吃苹果")(700);
    expect("我喜欢吃苹果").toContain(heard.heard(0).text);
    expect(heard.heard(0).text.length).toBeGreaterThanOrEqual(3);
    expect(heard.heard(0).text.length).toBeLessThanOrEqual(4);
  });
});
