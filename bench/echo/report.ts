/** What the echo bench found, and how it is read to people. */

import type { EchoResult, OpensResult } from "./load-job.ts";

/** Half and nearly all of the values lie below these. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}

/** A server with a number of sessions. */
export interface LoadRow {
  readonly sessions: number;
  /** Sessions that came to be. */
  readonly connected: number;
  readonly cpuMsPerSessionSecond: number;
  readonly rssMbPerSession: number;
  readonly loopDelayMsP99: number;
  readonly missingShare: number;
}

/** A server's figures. */
export interface ServerReport {
  readonly echoRttMs: Percentiles;
  readonly offerToAnswerMs: Percentiles;
  readonly offerToConnectedMs: Percentiles;
  /** Calls that the client had to try again. */
  readonly retries: number;
  readonly idleReplyOnPauseCpuMsPerSecond?: number;
  readonly load: readonly LoadRow[];
}

/** What `--json` prints. */
export interface EchoReport {
  readonly ours: ServerReport;
  /** Left out where it is not installed. */
  readonly aiortc?: ServerReport;
  readonly machine: Readonly<Record<string, string | number>>;
}

/** What was measured of a server. */
export interface Measured {
  readonly opens: OpensResult;
  readonly tones: EchoResult;
  readonly idle?: EchoResult;
  readonly load: readonly { readonly sessions: number; readonly result: EchoResult }[];
}

/** Makes figures of what was measured. */
export function reportOf({ opens, tones, idle, load }: Measured): ServerReport {
  return {
    echoRttMs: percentiles(tones.roundTripsMs),
    offerToAnswerMs: percentiles(opens.opens.map(({ offerToAnswerMs }) => offerToAnswerMs)),
    offerToConnectedMs: percentiles(
      opens.opens.map(({ offerToConnectedMs }) => offerToConnectedMs),
    ),
    retries: [opens, tones, ...load.map(({ result }) => result)].reduce(
      (sum, { retries }) => sum + retries,
      0,
    ),
    ...(idle && { idleReplyOnPauseCpuMsPerSecond: round(idle.cpuMsPerSecond) }),
    load: load.map(({ sessions, result }) => ({
      sessions,
      connected: result.connected,
      cpuMsPerSessionSecond: round(result.cpuMsPerSecond / result.connected),
      rssMbPerSession: round(result.rssGrowthBytes / 1e6 / result.connected),
      loopDelayMsP99: round(result.loopDelayMsP99),
      missingShare: Number((result.missing / result.expected).toFixed(5)),
    })),
  };
}

/** Prints tables. */
export function printReport({ ours, aiortc, machine }: EchoReport): void {
  console.table(
    Object.fromEntries(
      [...rowsOf(ours)].map(([name, value]) => [
        name,
        { ours: value, ...(aiortc && { aiortc: new Map(rowsOf(aiortc)).get(name) ?? "" }) },
      ]),
    ),
  );
  for (const [name, report] of Object.entries({ ours, ...(aiortc && { aiortc }) })) {
    console.log(name);
    console.table(report.load);
  }
  console.log(machine);
}

function* rowsOf(report: ServerReport): Generator<[name: string, value: number]> {
  for (const name of ["echoRttMs", "offerToAnswerMs", "offerToConnectedMs"] as const) {
    yield [`${name} p50`, report[name].p50];
    yield [`${name} p95`, report[name].p95];
  }
  const { idleReplyOnPauseCpuMsPerSecond: idle } = report;
  if (idle !== undefined) yield ["idleReplyOnPauseCpuMsPerSecond", idle];
}

function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.floor(sorted.length * share)] ?? NaN);
  return { p50: at(0.5), p95: at(0.95) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
