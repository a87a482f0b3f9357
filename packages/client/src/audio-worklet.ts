/**
 * The audio worklet's module, for pages that serve it themselves because their content security
 * policy lets no script come from `blob:`. Other pages need not know of it.
 */

import { registerAudioProcessors } from "./websocket/audio-processors.ts";
import { createPlayoutQueue } from "./websocket/playout-queue.ts";

registerAudioProcessors(createPlayoutQueue);
