/**
 * A stream for `fastrtc start`, which tells of every session whose process carries it, and what its
 * inputs are. Its argument is the port.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { AdditionalOutputs, Stream, StreamHandler } from "fastrtc";

class Reporter extends StreamHandler {
  override copy(): Reporter {
    return new Reporter();
  }

  override receive(): void {
    // Nobody listens here.
  }

  override async emit(): Promise<AdditionalOutputs> {
    await sleep(100);
    return new AdditionalOutputs(process.pid, this.latestArgs);
  }
}

const stream = new Stream({
  handler: new Reporter(),
  modality: "audio",
  concurrencyLimit: 1,
});
await stream.launch({ port: Number(process.argv[2]) });
console.log(JSON.stringify({ pid: process.pid }));
