import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { InvalidOptionError, InvalidStateError } from "../errors.ts";
import { decodeWav } from "../media/wav.ts";

/** One recording of a human voice. */
export interface SpeechFixture {
  /** Its name, as {@link listSpeech} gives it. */
  readonly name: string;
  /** Mono, 16 bits. */
  readonly samples: Int16Array;
  /** In Hz; 8,000 in Debian's recordings. */
  readonly sampleRate: number;
  /** The words that are spoken, where they are known. */
  readonly transcript?: string;
}

// Debian's asterisk-core-sounds-en-wav: prompts of a telephone system, spoken by one woman, with
// their words, under CC-BY-SA-3.0.
const DEBIAN_SOUNDS = "/usr/share/asterisk/sounds/en_US_f_Allison";
const DEBIAN_TRANSCRIPTS = "/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz";
const DEBIAN_NOT_SPEECH =
  /^(silence\/.*|beep|beeperr|ascending-2tone|descending-2tone|tt-monkeys)$/;
const OWN_TRANSCRIPTS = "transcripts.txt";

/**
 * Returns the names of the recordings of human speech on this machine, sorted.
 *
 * They are the `.wav` files below the directory that the environment variable `FASTRTC_SPEECH_DIR`
 * names; a file `transcripts.txt` there may hold their words, one `name: words` a line. Without
 * the variable, they are those of Debian's package `asterisk-core-sounds-en-wav`, without its
 * beeps and silences.
 *
 * @throws `InvalidStateError` if there are none; the message says how to install them.
 */
export function listSpeech(): string[] {
  return [...readCollection().names];
}

/**
 * Reads one recording.
 *
 * @param name - One of {@link listSpeech}.
 * @throws `InvalidOptionError` if there is none of that name.
 * @throws `InvalidStateError` if there are no recordings on this machine.
 */
export function loadSpeech(name: string): SpeechFixture {
  const { directory, names, transcripts } = readCollection();
  if (!names.includes(name)) {
    throw new InvalidOptionError(
      "name",
      name,
      `Give one of the ${names.length} names of listSpeech(), such as ${JSON.stringify(names[0])}.`,
    );
  }
  const transcript = transcripts.get(name);
  return {
    name,
    ...readMonoWav(join(directory, `${name}.wav`)),
    ...(transcript === undefined ? {} : { transcript }),
  };
}

interface SpeechCollection {
  readonly directory: string;
  readonly names: readonly string[];
  readonly transcripts: ReadonlyMap<string, string>;
}

function readCollection(): SpeechCollection {
  const ownDirectory = process.env["FASTRTC_SPEECH_DIR"];
  const collection = ownDirectory
    ? {
        directory: ownDirectory,
        names: listWavs(ownDirectory),
        transcripts: parseTranscripts(readIfThere(join(ownDirectory, OWN_TRANSCRIPTS))),
      }
    : {
        directory: DEBIAN_SOUNDS,
        names: listWavs(DEBIAN_SOUNDS).filter((name) => !DEBIAN_NOT_SPEECH.test(name)),
        // Slim container images leave out /usr/share/doc: then there is speech without words.
        transcripts: parseTranscripts(gunzipIfAny(readIfThere(DEBIAN_TRANSCRIPTS))),
      };
  if (collection.names.length > 0) return collection;
  throw new InvalidStateError(
    `There are no recordings of speech in ${collection.directory}. Install some (apt-get install asterisk-core-sounds-en-wav), or set FASTRTC_SPEECH_DIR to a directory of .wav files.`,
  );
}

function listWavs(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".wav"))
    .map((path) => path.slice(0, -".wav".length).replaceAll("\\", "/"))
    .sort();
}

function readIfThere(path: string): Uint8Array | undefined {
  return existsSync(path) ? readFileSync(path) : undefined;
}

function gunzipIfAny(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes && gunzipSync(bytes);
}

/** Reads lines of `name: words`. Remarks on sounds, in brackets, are left out. */
function parseTranscripts(bytes: Uint8Array | undefined): Map<string, string> {
  const transcripts = new Map<string, string>();
  for (const line of new TextDecoder().decode(bytes).split("\n")) {
    const [, name, words] = /^([\w./-]+):(.*)$/.exec(line) ?? [];
    if (name === undefined || words === undefined) continue;
    const spoken = words.replaceAll(/\[[^\]]*\]|\([^)]*\)/g, "").trim();
    if (spoken) transcripts.set(name, spoken);
  }
  return transcripts;
}

function readMonoWav(path: string): { samples: Int16Array; sampleRate: number } {
  const { samples, sampleRate, channels } = decodeWav(readFileSync(path));
  if (channels !== 1) throw new InvalidStateError(`${path} has ${channels} channels, not one.`);
  return { samples, sampleRate };
}
