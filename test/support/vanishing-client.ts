/**
 * Connects to the server whose address it is given, says so, speaks, and waits to be killed: a
 * process of its own, so that nothing can say goodbye for it.
 */

import { AudioFrame } from "fastrtc";
import { NodeClient } from "./node-client.ts";

const client = new NodeClient();
await client.connect(process.argv[2] ?? "");
console.log("connected");
await client.speak(AudioFrame.silence(120_000, 48_000));
