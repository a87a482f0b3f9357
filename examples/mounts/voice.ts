// The stream of all three applications: says back what it hears.
import { ReplyOnPause, Stream } from "fastrtc";

export const voice = new Stream({
  handler: new ReplyOnPause(function* (audio) {
    yield audio;
  }),
  modality: "audio",
  mode: "send-receive",
});

export const host = process.env["HOST"] ?? "127.0.0.1";
export const port = Number(process.env["PORT"] ?? 7860);
export const page = '<!doctype html><title>Mine</title><a href="/voice">Talk to it</a>';
