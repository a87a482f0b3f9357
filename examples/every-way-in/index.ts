// One handler for browsers (WebRTC and WebSocket), telephones (Twilio, Asterisk) and clients of the
// OpenAI Realtime API.
import { getCurrentContext, ReplyOnPause, Stream, twilio } from "fastrtc";

const { PUBLIC_URL, TWILIO_AUTH_TOKEN, AUDIOSOCKET_PORT } = process.env;

const stream = new Stream({
  // Says back what was said, again and again, until something else is said.
  handler: new ReplyOnPause(async function* (audio) {
    console.log(JSON.stringify(getCurrentContext())); // whose session is this?
    for (let time = 0; time < 5; time++) yield audio;
  }),
  modality: "audio",
  mode: "send-receive",
  openaiRealtime: true,
  ...(PUBLIC_URL && TWILIO_AUTH_TOKEN
    ? { telephone: twilio({ publicUrl: PUBLIC_URL, authToken: TWILIO_AUTH_TOKEN }) }
    : {}),
});

if (AUDIOSOCKET_PORT) await stream.listenAudioSocket({ port: Number(AUDIOSOCKET_PORT) });
await stream.launch();
