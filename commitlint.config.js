/** Conventional commits, with the folder as the scope: `fix(turn): keep pre-roll after barge-in`. */
export default {
  extends: ["@commitlint/config-conventional"],
  rules: {
    "scope-enum": [
      2,
      "always",
      [
        // packages/fastrtc/src, in the order of ARCHITECTURE.md
        ...["transport", "codec", "turn", "handler", "media", "session", "http", "stream"],
        ...["models", "observe", "testing", "errors", "cli"],
        // the other packages
        ...["client", "react", "protocol", "playground"],
        // the rest of the repository
        ...["examples", "bench", "docs", "scripts", "ci", "deps", "release"],
      ],
    ],
    "body-max-line-length": [2, "always", 100],
  },
};
