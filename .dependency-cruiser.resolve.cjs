/** Where dependency-cruiser finds our packages: in their sources, so that nothing must be built. */

const { resolve } = require("node:path");

const source = (path) => resolve(__dirname, "packages", path);

module.exports = {
  resolve: {
    alias: {
      "fastrtc/testing$": source("fastrtc/src/testing/index.ts"),
      "fastrtc/smart-turn$": source("fastrtc/src/smart-turn.ts"),
      "fastrtc/flite$": source("fastrtc/src/flite.ts"),
      "fastrtc/openai$": source("fastrtc/src/openai.ts"),
      "fastrtc/redis$": source("fastrtc/src/redis.ts"),
      "fastrtc/sherpa$": source("fastrtc/src/sherpa.ts"),
      fastrtc$: source("fastrtc/src/index.ts"),
      "@fastrtc/client$": source("client/src/index.ts"),
      "@fastrtc/react$": source("react/src/index.ts"),
      "@fastrtc/protocol$": source("protocol/src/index.ts"),
    },
  },
};
