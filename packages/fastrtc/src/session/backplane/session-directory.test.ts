import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../testing/manual-clock.ts";
import type { SessionClaim } from "./backplane.ts";
import { SessionDirectory } from "./session-directory.ts";

function claimOf(webrtcId: string, change: Partial<SessionClaim> = {}): SessionClaim {
  return {
    webrtcId,
    tokenHash: "token",
    presentedHash: undefined,
    mayReplace: false,
    createdAt: 1,
    limit: Infinity,
    ...change,
  };
}

/** What the clients and the processes themselves believe: the directory must never contradict it. */
interface Believed {
  owner: string;
  tokenHash: string;
  createdAt: number;
  /** Undefined while it lives; else when its time to be resumed is over. */
  until: number | undefined;
}

const LIMIT = 3;
const owner = fc.constantFrom("left", "right", "third");
const webrtcId = fc.constantFrom("a", "b", "c", "d", "e");
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("claim" as const),
      owner,
      webrtcId,
      presents: fc.constantFrom("right" as const, "wrong" as const, "none" as const),
      mayReplace: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("release" as const),
      owner,
      webrtcId,
      resumableMs: fc.constantFrom(0, 50, 100),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      owner,
      resumableMs: fc.constantFrom(0, 75),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(60) }) },
);

describe("SessionDirectory", () => {
  it("never has two owners, never exceeds the limit, and resumes only in time and with the token", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const clock = new ManualClock();
        const directory = new SessionDirectory(() => clock.now(), 100);
        const believed = new Map<string, Believed>();
        let tokens = 0;
        const expire = (): void => {
          for (const [id, { until }] of believed) {
            if (until !== undefined && until <= clock.now()) believed.delete(id);
          }
        };
        for (const step of steps) {
          switch (step.kind) {
            case "wait":
              clock.advance(step.ms);
              expire();
              break;
            case "release": {
              directory.release(step.owner, step.webrtcId, step.resumableMs);
              const session = believed.get(step.webrtcId);
              if (session?.owner === step.owner) session.until = clock.now() + step.resumableMs;
              break;
            }
            case "end":
              directory.releaseAll(step.owner, step.resumableMs);
              for (const session of believed.values()) {
                if (session.owner !== step.owner || session.until !== undefined) continue;
                session.until = clock.now() + step.resumableMs;
              }
              break;
            case "claim": {
              const earlier = believed.get(step.webrtcId);
              const live = [...believed.values()].filter(({ until }) => until === undefined);
              const tokenHash = `token ${++tokens}`;
              const presentedHash = {
                right: earlier?.tokenHash ?? "of a session that never was",
                wrong: "guess",
                none: undefined,
              }[step.presents];
              const outcome = directory.claim(
                step.owner,
                claimOf(step.webrtcId, {
                  tokenHash,
                  presentedHash,
                  mayReplace: step.mayReplace,
                  createdAt: tokens,
                  limit: LIMIT,
                }),
              );
              const mayComeIn =
                !earlier ||
                (earlier.until !== undefined &&
                  (step.presents === "right" || (step.presents === "none" && step.mayReplace)));
              if (!mayComeIn) {
                expect(outcome).toMatchObject({
                  outcome: "taken",
                  record: { webrtcId: step.webrtcId },
                });
              } else if (live.length >= LIMIT) {
                expect(outcome).toEqual({ outcome: "full" });
              } else {
                const isResumed = earlier !== undefined && step.presents === "right";
                const createdAt = isResumed ? earlier.createdAt : tokens;
                expect(outcome).toEqual(
                  isResumed
                    ? { outcome: "claimed", resumed: { createdAt, owner: earlier.owner } }
                    : { outcome: "claimed" },
                );
                const session = { owner: step.owner, tokenHash, createdAt, until: undefined };
                believed.set(step.webrtcId, session);
              }
            }
          }
          expire();
          for (const id of ["a", "b", "c", "d", "e"]) {
            const session = believed.get(id);
            expect(directory.find(id)).toEqual(
              session && {
                webrtcId: id,
                owner: session.owner,
                tokenHash: session.tokenHash,
                createdAt: session.createdAt,
                isLive: session.until === undefined,
              },
            );
          }
          expect(directory.liveCount).toBeLessThanOrEqual(LIMIT);
        }
      }),
      { seed: 20_260_101, numRuns: 300 },
    );
  });

  it("remembers no more waiting sessions than it may, and forgets those that waited longest", () => {
    const directory = new SessionDirectory(() => 0, 3);
    for (const id of ["a", "b", "c", "d", "e"]) {
      directory.claim("owner", claimOf(id));
      directory.release("owner", id, 1000);
    }
    expect(directory.waitingCount).toBe(3);
    expect(directory.find("a")).toBeUndefined();
    expect(directory.find("b")).toBeUndefined();
    expect(directory.find("c")).toMatchObject({ isLive: false });
  });

  it("gives the memory of sessions back that nobody has asked for", () => {
    const clock = new ManualClock();
    const directory = new SessionDirectory(() => clock.now(), 1000);
    for (let i = 0; i < 500; i++) {
      directory.claim("owner", claimOf(`early ${i}`));
      directory.release("owner", `early ${i}`, 1000);
    }
    clock.advance(1001);
    directory.claim("owner", claimOf("late"));
    directory.release("owner", "late", 1000);
    expect(directory.waitingCount).toBe(1);
  });
});
