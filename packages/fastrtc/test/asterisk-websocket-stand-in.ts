import { bytesOf, samplesOf } from "./real-time-playout.ts";
import { openSocket, SocketCaller } from "./socket-caller.ts";

/** Where {@link callOverAsteriskWebSocket} calls. */
export interface AsteriskWebSocketCall {
  /** The media socket's address. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** What the dial plan gives in `v(…)`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** How orders and events are written: `f(json)` or not. @defaultValue json */
  readonly form?: "json" | "plain";
  /** Whether it leaves out the message that begins the call. @defaultValue false */
  readonly isMute?: boolean;
}

const FORMAT = { format: "slin16", sampleRate: 16_000, optimal_frame_size: 640 };
/** Frames that wait, in Asterisk's source. */
const QUEUE = { max: 1000, xoff: 900, xon: 800 };
const MAX_TEXT_BYTES = 128;
let channels = 0;

/**
 * Calls as `Dial(WebSocket/voiceapp/c(slin16))` of chan_websocket does.
 *
 * @returns the caller, or the status with which the socket was refused.
 */
export async function callOverAsteriskWebSocket(
  call: AsteriskWebSocketCall,
): Promise<SocketCaller | number> {
  const { username, password, variables = {}, form = "json" } = call;
  const query = new URLSearchParams(variables).toString();
  const credentials = Buffer.from(`${username}:${password}`).toString("base64");
  const headers = { authorization: `Basic ${credentials}` };
  const socket = await openSocket(`${call.url}${query && `?${query}`}`, { headers }, ["media"]);
  if (typeof socket === "number") return socket;
  const channel_id = `1700000000.${++channels}`;
  const event = (name: string, fields: Record<string, string | number>, plain = ""): string =>
    form === "json" ? JSON.stringify({ event: name, channel_id, ...fields }) : `${name}${plain}`;
  let isFull = false;
  const caller = new SocketCaller(socket, {
    sessionId: channel_id,
    sampleRate: FORMAT.sampleRate,
    maxFrames: QUEUE.max,
    frame: bytesOf,
    key: (digit) => event("DTMF_END", { digit }, ` digit:${digit} channel_id:${channel_id}`),
    markEcho: (name) => event("MEDIA_MARK_PROCESSED", { correlation_id: name }, ` ${name}`),
    take: (message, self) => {
      if (typeof message !== "string") {
        const rest = message.length % FORMAT.optimal_frame_size;
        if (rest !== 0) self.complaints.push(`${rest} bytes were left over`);
        self.playout.push(samplesOf(message.subarray(0, message.length - rest)));
        if (!isFull && self.playout.queuedFrames >= QUEUE.xoff) {
          isFull = true;
          self.send(event("MEDIA_XOFF", {}));
          const timer = setInterval(() => {
            if (self.playout.queuedFrames >= QUEUE.xon && !self.isClosed) return;
            clearInterval(timer);
            isFull = false;
            self.send(event("MEDIA_XON", {}));
          }, 20);
        }
        return;
      }
      if (Buffer.byteLength(message) > MAX_TEXT_BYTES) {
        self.complaints.push("text too long");
        return;
      }
      const { command, id } = orderOf(message, form);
      if (command === "FLUSH_MEDIA") self.flush();
      else if (command === "MARK_MEDIA") self.playout.mark(id);
      else if (command === "HANGUP") self.hangUp();
      else self.complaints.push(`unknown: ${message}`);
    },
  });
  const { format, optimal_frame_size } = FORMAT;
  const channel = `WebSocket/voiceapp-${channels}`;
  if (call.isMute) return caller;
  caller.send(
    event(
      "MEDIA_START",
      { connection_id: "voiceapp", channel, format, optimal_frame_size, ptime: 20 },
      ` connection_id:voiceapp channel:${channel} channel_id:${channel_id} format:${format} optimal_frame_size:${optimal_frame_size} ptime:20`,
    ),
  );
  return caller;
}

function orderOf(message: string, form: "json" | "plain"): { command: string; id: string } {
  if (form === "plain") {
    const [command = "", id = ""] = message.split(" ");
    return { command, id };
  }
  const fields = JSON.parse(message) as { command: string; correlation_id?: string };
  return { command: fields.command, id: fields.correlation_id ?? "" };
}
