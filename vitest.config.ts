import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Tests run against the sources, so that a failing line is a line somebody wrote.
const alias = {
  "fastrtc/testing": source("packages/fastrtc/src/testing/index.ts"),
  "fastrtc/flite": source("packages/fastrtc/src/flite.ts"),
  "fastrtc/openai": source("packages/fastrtc/src/openai.ts"),
  "fastrtc/redis": source("packages/fastrtc/src/redis.ts"),
  "fastrtc/sherpa": source("packages/fastrtc/src/sherpa.ts"),
  "fastrtc/smart-turn": source("packages/fastrtc/src/smart-turn.ts"),
  fastrtc: source("packages/fastrtc/src/index.ts"),
  "@fastrtc/client": source("packages/client/src/index.ts"),
  "@fastrtc/react": source("packages/react/src/index.ts"),
  "@fastrtc/protocol": source("packages/protocol/src/index.ts"),
};

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: {
          name: "unit",
          include: ["packages/*/src/**/*.test.{ts,tsx}"],
          exclude: ["**/*.integration.test.ts"],
        },
      },
      {
        resolve: { alias },
        test: {
          name: "integration",
          include: [
            "packages/*/src/**/*.integration.test.ts",
            "test/**/*.test.ts",
            "examples/**/*.test.ts",
          ],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // Two cores: real sockets and a real browser, one file at a time.
          fileParallelism: false,
        },
      },
    ],
  },
});
