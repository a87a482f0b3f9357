import fc from "fast-check";
import { it } from "vitest";
import { playScript, script } from "../../test/turn-fuzz.ts";
it("try", { timeout: 300_000 }, () => {
  const seed = Number(process.env["SEED"] ?? 1), runs = Number(process.env["RUNS"] ?? 4000);
  let shown = 0, bad = 0;
  fc.sample(script, { seed, numRuns: runs }).forEach((s, i) => {
    const world = playScript(s);
    if (world.faults[0]) { bad++; if (shown++ < 1) {
      console.log(i, JSON.stringify(s.segments.map(({kind,speechMs,gapMs,words,isMissedByVad,interimShare,finalAfterMs,action})=>[kind,speechMs,gapMs,words.length,isMissedByVad,interimShare,finalAfterMs,action].join(" ")),null,1), JSON.stringify({...s, segments: 0, replies:0, answers:0}));
      console.log(world.faults.join("\n") + "\n" + world.trace.join("\n"));
    }}
  });
  console.log("bad", bad);
});
