/** What needs werift, as one module: it takes 200 ms to load, and `werift.ts` decides when. */

export { MAX_MESSAGE_SIZE, WeriftChannel } from "./werift-channel.ts";
export { IceAgent } from "./werift-ice.ts";
