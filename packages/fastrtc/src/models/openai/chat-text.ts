/** The words of a language model's streamed answer. */

import { abandon } from "../abortable.ts";

/** The part of a chat completion's chunk that has its words. */
export interface ChatChunk {
  readonly choices: readonly {
    readonly delta?: { readonly content?: string | null | undefined } | undefined;
  }[];
}

/** What `client.chat.completions.create({ stream: true })` resolves with. */
export interface ChatStream extends AsyncIterable<ChatChunk> {
  /** Ends the request. */
  readonly controller?: AbortController | undefined;
}

/**
 * Takes the words out of a streamed chat completion, for {@link TextToSpeech.stream} to speak while
 * they are written. What a model thinks before it answers is left out.
 *
 * Closing the iterator, as an interruption does, closes the request, even while it waits for words.
 *
 * @example
 * ```ts
 * const completion = await client.chat.completions.create(
 *   { model: "moonshotai/Kimi-K2-Thinking", messages, stream: true },
 *   { signal },
 * );
 * yield* tts.stream(chatText(completion));
 * ```
 * @param onText - Called with each piece, for whoever keeps the answer.
 */
export function chatText(
  stream: ChatStream,
  onText?: (text: string) => void,
): AsyncIterableIterator<string> {
  const chunks = stream[Symbol.asyncIterator]();
  let isClosed = false;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      while (!isClosed) {
        const result = await chunks.next();
        if (result.done) break;
        const text = result.value.choices[0]?.delta?.content;
        if (!text) continue;
        onText?.(text);
        return { done: false, value: text };
      }
      return { done: true, value: undefined };
    },
    return() {
      isClosed = true;
      stream.controller?.abort();
      abandon(chunks);
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}
