/** Where the library's own log lines go. */

/** Takes log lines; `console` fits, and so do pino and winston with a small wrapper. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

function nothing(): void {
  // Below the default level.
}

/** The default: everything but debug lines to the console. */
export const consoleLogger: Logger = {
  debug: nothing,
  info: (message, fields) => {
    console.info(`[fastrtc] ${message}`, ...(fields ? [fields] : []));
  },
  warn: (message, fields) => {
    console.warn(`[fastrtc] ${message}`, ...(fields ? [fields] : []));
  },
  error: (message, fields) => {
    console.error(`[fastrtc] ${message}`, ...(fields ? [fields] : []));
  },
};

/** Says nothing at all. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};
