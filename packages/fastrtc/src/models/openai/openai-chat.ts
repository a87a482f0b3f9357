/** Language models by any server with OpenAI's `/chat/completions`, read while they write. */

import { ModelError } from "../../errors.ts";
import { abandon } from "../abortable.ts";
import { signalOf } from "../default-signal.ts";
import { describeText } from "../model-input.ts";
import type { ChatChunk } from "./chat-text.ts";
import { connectOpenAi } from "./openai-client.ts";
import type { OpenAiServerOptions } from "./openai-client.ts";
import { OpenAiRequest } from "./openai-request.ts";

/** Options of {@link createOpenAiChat}. */
export interface OpenAiChatOptions extends OpenAiServerOptions {
  /** The model's name at the server. */
  readonly model: string;
  /**
   * What else the server is told, in its own words, such as `{ temperature: 0.3, max_tokens: 200 }`.
   *
   * @defaultValue nothing
   */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  /**
   * Time in milliseconds within which each next piece of the answer must be there, thoughts included.
   *
   * @defaultValue 30,000
   */
  readonly timeoutMs?: number | undefined;
}

/** One message of a conversation. */
export interface ChatMessage {
  /** Who speaks. */
  readonly role: "system" | "user" | "assistant";
  /** The words; or OpenAI's content parts, such as a text and an image. */
  readonly content: string | readonly object[];
}

/** A language model. */
export interface ChatModel {
  /** Which model it is, as its errors say; such as `openai gpt-4o-mini`. */
  readonly model: string;
  /**
   * Asks for the next message, and gives its words as they are written, without thoughts.
   *
   * Closing the iterator closes the request, even while it waits for words. It throws the signal's
   * reason once that has aborted.
   *
   * @param messages - The conversation so far, the user's words last.
   * @param call - Its signal ends the request; within a reply the reply's own where it is left out.
   */
  stream(
    messages: readonly ChatMessage[],
    call?: { readonly signal?: AbortSignal | undefined },
  ): AsyncIterableIterator<string>;
}

/**
 * Makes a language model of an OpenAI-compatible server, which needs the package `openai`. For tools
 * and whatever else that package can do, use it directly, with {@link chatText}.
 *
 * @example
 * ```ts
 * import { createOpenAiChat } from "fastrtc/openai";
 *
 * const chat = createOpenAiChat({ baseURL: "http://127.0.0.1:8000/v1", model: "zai-org/GLM-4.6" });
 * yield* tts.stream(chat.stream([{ role: "user", content: text }]));
 * ```
 * @throws `InvalidStateError` when the package is not installed.
 * @throws `InvalidOptionError` without a key or a server.
 */
export function createOpenAiChat(options: OpenAiChatOptions): ChatModel {
  const { model: name, parameters, timeoutMs = 30_000, maxRetries = 0 } = options;
  const connect = connectOpenAi(options);
  const model = `openai ${name}`;

  async function* ask(
    messages: readonly ChatMessage[],
    caller: AbortSignal,
  ): AsyncGenerator<string, undefined, undefined> {
    const client = await connect();
    const input = describeText(lastWords(messages));
    const request = new OpenAiRequest({ model, input, baseURL: client.baseURL }, timeoutMs, caller);
    const { signal } = request;
    let hasAnswered = false;
    try {
      const body = { ...parameters, model: name, messages, stream: true };
      const answer = client.chat.completions.create(body as never, {
        signal,
        timeout: 2 * timeoutMs,
        maxRetries,
      });
      for await (const chunk of (await answer) as AsyncIterable<Partial<ChatChunk>>) {
        request.heard();
        const text = chunk.choices?.[0]?.delta?.content;
        if (!text) continue;
        hasAnswered = true;
        request.rest();
        yield text;
        request.heard();
      }
      // The client ends an aborted answer as if that had been all of it.
      signal.throwIfAborted();
    } catch (error) {
      throw request.failure(error);
    } finally {
      request.close();
    }
    if (!hasAnswered) throw noWords(model, input);
    return undefined;
  }

  return {
    model,
    stream: (messages, call) => {
      const closed = new AbortController();
      const caller = signalOf(call);
      const signal = caller ? AbortSignal.any([caller, closed.signal]) : closed.signal;
      const pieces = ask(messages, signal);
      return {
        [Symbol.asyncIterator]() {
          return this;
        },
        async next() {
          try {
            return await pieces.next();
          } catch (error) {
            if (!closed.signal.aborted) throw error;
            return { done: true, value: undefined };
          }
        },
        return() {
          closed.abort();
          abandon(pieces);
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
}

function lastWords(messages: readonly ChatMessage[]): string {
  const content = messages.at(-1)?.content ?? "";
  return typeof content === "string" ? content : JSON.stringify(content);
}

function noWords(model: string, input: string): ModelError {
  return new ModelError(
    model,
    `The server answered ${input} without a word. Check that baseURL ends where its API begins, mostly in /v1, and that the model has tokens left after its thoughts.`,
  );
}
