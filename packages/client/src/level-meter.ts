const FLOOR_DB = -60;
const IDLE_MS = 2000;

interface Tap {
  readonly source: MediaStreamAudioSourceNode;
  readonly analyser: AnalyserNode;
  readonly samples: Float32Array<ArrayBuffer>;
}

/**
 * Tells how loud streams are right now.
 *
 * The audio context exists only while somebody asks: it is made at the first reading and closed
 * two seconds after the last, so that a page without meters pays nothing.
 */
export class LevelMeter {
  #context: AudioContext | undefined;
  readonly #taps = new Map<MediaStream, Tap | undefined>();
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #lastReadMs = 0;

  /** Reads one stream's level: 0 is -60 dBFS or less, 1 is full scale, linear in decibels. */
  read(stream: MediaStream | undefined): number {
    if (stream?.active !== true || typeof AudioContext === "undefined") return 0;
    this.#lastReadMs = performance.now();
    this.#idleTimer ??= setTimeout(this.#checkIdle, IDLE_MS);
    this.#context ??= new AudioContext();
    // Made before the user's first click it starts suspended; this succeeds after the click.
    if (this.#context.state === "suspended") this.#context.resume().catch(() => undefined);
    if (!this.#taps.has(stream)) {
      this.#forgetEnded();
      this.#taps.set(stream, openTap(this.#context, stream));
    }
    const tap = this.#taps.get(stream);
    if (tap === undefined) return 0;
    tap.analyser.getFloatTimeDomainData(tap.samples);
    return measureLevel(tap.samples);
  }

  /** Lets the audio context go. A later reading makes a new one. */
  close(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
    for (const tap of this.#taps.values()) tap?.source.disconnect();
    this.#taps.clear();
    this.#context?.close().catch(() => undefined);
    this.#context = undefined;
  }

  readonly #checkIdle = (): void => {
    const restMs = IDLE_MS - (performance.now() - this.#lastReadMs);
    if (restMs <= 0) this.close();
    else this.#idleTimer = setTimeout(this.#checkIdle, restMs);
  };

  #forgetEnded(): void {
    for (const [stream, tap] of this.#taps) {
      if (stream.active) continue;
      tap?.source.disconnect();
      this.#taps.delete(stream);
    }
  }
}

/** Maps samples to a level: root mean square, in decibels, -60 dBFS to 0 dBFS as 0 to 1. */
export function measureLevel(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  if (sum === 0) return 0;
  const decibels = 10 * Math.log10(sum / samples.length);
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DB));
}

function openTap(context: AudioContext, stream: MediaStream): Tap | undefined {
  try {
    const source = context.createMediaStreamSource(stream);
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    source.connect(analyser);
    return { source, analyser, samples: new Float32Array(analyser.fftSize) };
  } catch {
    // No audio track, or (Firefox) a microphone at another rate than the context: no level then.
    return undefined;
  }
}
