import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FastRTCClientError } from "./client-error.ts";
import { Resumption } from "./resumption.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const unreachable = (): Promise<never> =>
  Promise.reject(new FastRTCClientError("network", "nobody there"));

function resume(open: (signal: AbortSignal) => Promise<void>): {
  resumption: Resumption;
  attempts: number[];
  failures: FastRTCClientError[];
} {
  const attempts: number[] = [];
  const failures: FastRTCClientError[] = [];
  const begin = Date.now();
  const resumption = new Resumption({
    timeoutMs: 30_000,
    open: (signal) => {
      attempts.push(Date.now() - begin);
      return open(signal);
    },
    onFailed: (error) => failures.push(error),
  });
  return { resumption, attempts, failures };
}

test("tries at once, then with growing pauses, and gives up when the time is over", async () => {
  const { attempts, failures } = resume(unreachable);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(attempts).toEqual([0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500]);
  expect(failures).toMatchObject([{ code: "connection-lost", cause: { code: "network" } }]);
});

test("does not come at the same moments as the other clients of a server that was restarted", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const { attempts, resumption } = resume(unreachable);
  await vi.advanceTimersByTimeAsync(3000);
  expect(attempts).toEqual([0, 375, 1125, 2625]);
  resumption.close();
});

test("stops at success, and leaves what succeeded alone", async () => {
  const answers = [unreachable, () => Promise.resolve()];
  let last: AbortSignal | undefined;
  const { attempts, failures, resumption } = resume((signal) => {
    last = signal;
    return answers.shift()!();
  });
  await vi.advanceTimersByTimeAsync(60_000);
  resumption.hurry();
  expect(attempts).toEqual([0, 500]);
  expect(failures).toEqual([]);
  expect(last?.aborted).toBe(false);
});

test.each([
  new FastRTCClientError("not-authorized", "", { status: 401 }),
  new FastRTCClientError("refused", "", { status: 404, signalingError: "unknown_connection" }),
  new FastRTCClientError("already-exists", "", { status: 409 }),
  new FastRTCClientError("refused", "", { status: 410, signalingError: "connection_closed" }),
])("does not ask again after $code $status", async (refusal) => {
  const { attempts, failures } = resume(() => Promise.reject(refusal));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(attempts).toHaveLength(1);
  expect(failures).toMatchObject([
    { code: "resume-refused", status: refusal.status, cause: refusal },
  ]);
});

test("comes back no sooner than a busy server says", async () => {
  const busy = new FastRTCClientError("limit-reached", "", { status: 503, retryAfterSeconds: 12 });
  const { attempts, resumption } = resume(() => Promise.reject(busy));
  await vi.advanceTimersByTimeAsync(13_000);
  expect(attempts).toEqual([0, 12_000]);
  resumption.close();
});

test("gives up an attempt that hangs, and tries the next", async () => {
  const { attempts, resumption } = resume(
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          reject(signal.reason as Error);
        });
      }),
  );
  await vi.advanceTimersByTimeAsync(10_600);
  expect(attempts).toEqual([0, 10_500]);
  resumption.close();
});

test("does not wait any longer once the network is said to be back", async () => {
  const { attempts, resumption } = resume(unreachable);
  await vi.advanceTimersByTimeAsync(4000);
  resumption.hurry();
  await vi.advanceTimersByTimeAsync(0);
  expect(attempts).toEqual([0, 500, 1500, 3500, 4000]);
  resumption.close();
});

test("takes back the running attempt when it is closed, and reports nothing", async () => {
  let signal: AbortSignal | undefined;
  const { resumption, failures } = resume((given) => {
    signal = given;
    return new Promise(() => undefined);
  });
  resumption.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(signal?.aborted).toBe(true);
  expect(failures).toEqual([]);
});
