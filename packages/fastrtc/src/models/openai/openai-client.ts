/**
 * The official `openai` client, as far as speech needs it, pointed at any server that speaks its
 * protocol.
 */

import { createRequire } from "node:module";

import { InvalidOptionError, InvalidStateError } from "../../errors.ts";

/** What every adapter of an OpenAI-compatible server is told. */
export interface OpenAiServerOptions {
  /**
   * Where the server is, up to and with `/v1`.
   *
   * @defaultValue the environment's `OPENAI_BASE_URL`, else `https://api.openai.com/v1`
   */
  readonly baseURL?: string | undefined;
  /**
   * The key that the server asks for. It is sent to the server and nowhere else, and is in no error.
   *
   * @defaultValue the environment's `OPENAI_API_KEY`; none for a server of your own without a key
   */
  readonly apiKey?: string | undefined;
  /**
   * How often a failed request is sent again. In a conversation an answer that comes late is worth no
   * more than none: ask the user to say it again.
   *
   * @defaultValue 0
   */
  readonly maxRetries?: number | undefined;
  /**
   * A client that you have already, such as one of Azure's; `baseURL` and `apiKey` are then its own.
   *
   * @defaultValue one of this adapter's own
   */
  readonly client?: OpenAiClient | undefined;
}

/** How one request of the client is made. */
export interface OpenAiRequestOptions {
  readonly signal: AbortSignal;
  readonly timeout: number;
  readonly maxRetries: number;
}

/** The part of the `openai` client that is used, so that our own types do not need it installed. */
export interface OpenAiClient {
  readonly baseURL: string;
  readonly audio: {
    readonly transcriptions: {
      create(body: never, options?: OpenAiRequestOptions): PromiseLike<unknown>;
    };
    readonly speech: {
      create(body: never, options?: OpenAiRequestOptions): PromiseLike<Response>;
    };
  };
  readonly chat: {
    readonly completions: {
      create(body: never, options?: OpenAiRequestOptions): PromiseLike<unknown>;
    };
  };
}

interface OpenAiModule {
  readonly OpenAI: new (options: {
    readonly baseURL?: string;
    readonly apiKey: string;
    readonly maxRetries: number;
  }) => OpenAiClient;
}

const INSTALL = 'Run "npm install openai".';

/**
 * Makes the client, once it is asked for.
 *
 * @returns A function that always gives the same client.
 * @throws {@link InvalidStateError} when the package is not installed.
 * @throws {@link InvalidOptionError} for a URL that is none, and without any key for OpenAI's own server.
 */
export function connectOpenAi(options: OpenAiServerOptions): () => Promise<OpenAiClient> {
  const { client, maxRetries = 0 } = options;
  if (client) return () => Promise.resolve(client);
  const baseURL = options.baseURL ?? fromEnvironment("OPENAI_BASE_URL");
  if (baseURL !== undefined && !URL.canParse(baseURL)) {
    throw new InvalidOptionError("baseURL", baseURL, "Give one such as http://127.0.0.1:8000/v1.");
  }
  const apiKey = options.apiKey ?? fromEnvironment("OPENAI_API_KEY");
  if (apiKey === undefined && baseURL === undefined) {
    throw new InvalidOptionError(
      "apiKey",
      apiKey,
      "Give a key or set OPENAI_API_KEY; or give the baseURL of a server that asks for none.",
    );
  }
  checkInstalled();
  let connected: Promise<OpenAiClient> | undefined;
  return () =>
    (connected ??= load().then(
      // The client insists on a key, and a server of one's own often has none.
      ({ OpenAI }) =>
        new OpenAI({ ...(baseURL && { baseURL }), apiKey: apiKey ?? "none", maxRetries }),
    ));
}

// A variable that is set to nothing says nothing.
function fromEnvironment(name: string): string | undefined {
  const value = process.env[name];
  return value === "" ? undefined : value;
}

// Here, so that a server fails when it starts and not in its first session.
function checkInstalled(): void {
  try {
    createRequire(import.meta.url).resolve("openai");
  } catch (cause) {
    throw new InvalidStateError(
      `An OpenAI-compatible model needs the package openai, which is not installed. ${INSTALL}`,
      { cause },
    );
  }
}

async function load(): Promise<OpenAiModule> {
  try {
    return await import("openai");
  } catch (cause) {
    throw new InvalidStateError(`The package openai cannot be loaded. ${INSTALL}`, { cause });
  }
}
