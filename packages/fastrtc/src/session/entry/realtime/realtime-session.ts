import { InvalidOptionError, InvalidStateError } from "../../../errors.ts";
import type { RealtimeConversation } from "../../../transport/realtime/realtime-conversation.ts";
import type { RealtimeItem } from "../../../transport/realtime/realtime-item.ts";
import type {
  RealtimeSettings,
  RealtimeTool,
} from "../../../transport/realtime/session-settings.ts";
import { getContext } from "../../context/context.ts";
import type { SessionContext } from "../../context/session-context.ts";
import type { SessionTurns } from "../../session-turns.ts";
import type { Session } from "../../session.ts";

// A reply sees a view of its session's context; what all views share is the session's signal.
const sessions = new WeakMap<AbortSignal, RealtimeSession>();

/**
 * What an OpenAI Realtime client has set for its session, as a handler sees it: always what holds
 * now, within a reply what holds for that.
 */
export class RealtimeSession {
  readonly #conversation: RealtimeConversation;
  readonly #turns: Pick<SessionTurns, "call">;

  /** @internal */
  constructor(conversation: RealtimeConversation, turns: Pick<SessionTurns, "call">) {
    this.#conversation = conversation;
    this.#turns = turns;
  }

  /** All that is set, as the protocol's `session` object. */
  get settings(): RealtimeSettings {
    return this.#conversation.settings;
  }

  /** The model that the client asks for. */
  get model(): string {
    return this.settings.model;
  }

  /** The system prompt. */
  get instructions(): string {
    return this.settings.instructions;
  }

  /** The name of the voice. */
  get voice(): string {
    return this.settings.audio.output.voice;
  }

  /** How fast to speak, 0.25 to 1.5. */
  get speed(): number {
    return this.settings.audio.output.speed;
  }

  /** The tools that the client runs. */
  get tools(): readonly RealtimeTool[] {
    return this.settings.tools;
  }

  /** Which tools are to be used: `auto`, `none`, `required`, or an object that names one. */
  get toolChoice(): unknown {
    return this.settings.tool_choice;
  }

  /** The conversation as both sides know it, oldest first; what was not heard is cut off. */
  get items(): readonly RealtimeItem[] {
    return this.#conversation.items.all;
  }

  /**
   * Calls back each time the client changes its session, in the session's context. What the listener
   * throws is reported as an error of the handler's.
   *
   * @returns a function that ends it; the session's end does so too.
   */
  onUpdate(listener: (settings: RealtimeSettings) => void): () => void {
    return this.#conversation.onUpdate((settings) => {
      this.#turns.call(() => {
        listener(settings);
      });
    });
  }

  /**
   * Has the client run one of its tools, and waits for what it gives. The reply goes on afterwards.
   *
   * @param args - What JSON can carry, as the tool's schema wants it.
   * @param options - `signal` ends the wait; by default the end of the reply does.
   * @returns what the tool gave, as the client sent it.
   * @throws {@link InvalidOptionError} when the client has no such tool.
   * @throws {@link InvalidStateError} outside a session, or when too many tools run already.
   */
  async callTool(
    name: string,
    args: unknown,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<string> {
    if (!this.tools.some((tool) => tool.name === name)) {
      throw new InvalidOptionError("name", name, "Give the name of one of `tools`.");
    }
    const context = getContext();
    const signal = options.signal ?? context?.turn?.signal ?? context?.signal;
    if (!signal) {
      throw new InvalidStateError("Call a tool from within a session, or give a signal.");
    }
    return await this.#conversation.callTool({
      name,
      arguments: JSON.stringify(args ?? {}),
      signal,
      replyIndex: context?.turn?.index,
    });
  }
}

/**
 * Returns what an OpenAI Realtime client has set for the session whose handler is running.
 *
 * @param context - Whose session; defaults to the one that is running.
 * @returns undefined where the client speaks another protocol, and before the session's `startUp`.
 * @example
 * ```ts
 * const handler = new ReplyOnPause(async function* (audio) {
 *   const realtime = getRealtimeSession();
 *   const text = await model.answer(audio, realtime?.instructions);
 *   yield* tts.stream(text, { voice: realtime?.voice });
 * });
 * ```
 */
export function getRealtimeSession(
  context: Pick<SessionContext, "signal"> | undefined = getContext(),
): RealtimeSession | undefined {
  return context && sessions.get(context.signal);
}

/**
 * Says that a session is one of the OpenAI Realtime protocol.
 *
 * @internal
 */
export function registerRealtimeSession(
  { context, turns }: Pick<Session, "context" | "turns">,
  conversation: RealtimeConversation,
): void {
  sessions.set(context.signal, new RealtimeSession(conversation, turns));
}
