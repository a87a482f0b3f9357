import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { cornerCases } from "../../test/turn-corner-cases.ts";
import { playScript, script } from "../../test/turn-fuzz.ts";
import { transitionCases } from "../../test/turn-transition-cases.ts";

describe("TurnTaking", () => {
  for (const [name, run] of Object.entries(transitionCases())) it(name, run);

  it("keeps its promises in random conversations", () => {
    // Many more of them run as an integration test, property by property.
    const keeps = fc.property(script, (sample) => {
      expect(playScript(sample).faults).toEqual([]);
    });
    fc.assert(keeps, { seed: 1, numRuns: 1000 });
  });
});

describe("TurnTaking in the known corner cases", () => {
  for (const [name, run] of Object.entries(cornerCases())) it(name, run);
});

// Three corner cases, and parts of three more, are not this machine's:
// - eager_with_tools: the handler tells a reply that it is eager; tested with handler/reply.ts.
// - twilio_cleared_marks: the telephone transport counts what its carrier has played.
// - unheard_text_not_in_history: what was heard is counted by session/outbound.ts and told by the reply.
// - reply_interrupted_before_first_frame_settles, sink_never_reports_finished: that a blocked generator
//   is abandoned and closed, likewise in handler/reply.ts.
// - resume_then_interrupt: that each part is counted once, likewise in session/outbound.ts.
