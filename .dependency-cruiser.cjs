/**
 * The import law of ARCHITECTURE.md, held by `npm run boundaries`.
 *
 * Folders stand in the order in which media flows; a stage never imports its neighbour, only
 * `session/` joins them. Tests may import what they like.
 */

const SRC = "^packages/fastrtc/src/";
const TESTS = "\\.test(-d)?\\.tsx?$";

/** What each folder or file of packages/fastrtc/src may import besides itself. */
const LAW = {
  "errors.ts": [],
  media: ["errors.ts"],
  codec: ["media", "errors.ts"],
  turn: ["media", "errors.ts"],
  observe: ["media", "errors.ts"],
  models: ["media", "errors.ts"],
  // Only the context: a handler may ask whose session it is, not touch the session.
  handler: ["media", "turn", "models", "errors.ts", "session/context"],
  transport: ["media", "observe", "errors.ts", "@protocol"],
  session: [
    ...["media", "codec", "turn", "observe", "models", "handler", "transport", "errors.ts"],
    "@protocol",
  ],
  // What handlers and other processes may know of sessions knows nothing of the rest itself.
  "session/context": ["transport", "errors.ts", "session/store"],
  "session/store": ["media", "observe", "errors.ts"],
  "session/backplane": ["media", "observe", "errors.ts", "session/store"],
  redis: ["media", "observe", "errors.ts", "session/store", "session/backplane"],
  cluster: ["media", "observe", "errors.ts", "session/store", "session/backplane"],
  http: [
    ...["media", "codec", "turn", "observe", "models", "handler", "transport", "errors.ts"],
    ...["session", "@protocol"],
  ],
  // stream.ts and its parts, stream-*.ts.
  "stream*.ts": [
    ...["media", "codec", "turn", "observe", "models", "handler", "transport", "errors.ts"],
    ...["session", "cluster", "http", "@protocol"],
  ],
};

/** Files that stand above the law: they join the public surface. */
const ENTRIES = [
  ...["index.ts", "flite.ts", "openai.ts", "redis.ts", "sherpa.ts", "smart-turn.ts"],
  ...["cli", "testing"],
];

const toPattern = (name) =>
  name.endsWith(".ts") ? `${name.replace("*", "[^/]*").replace(".ts", "\\.ts")}$` : `${name}/`;
const anyOf = (names) => `${SRC}(${names.map(toPattern).join("|")})`;
const PROTOCOL = "^packages/protocol/";

const lawRules = Object.entries(LAW).map(([name, allowed]) => ({
  name: `law-${name.replace(/\*?\.ts/, "")}`,
  comment: `${name} imports ${allowed.join(", ") || "nothing"}: see the import law in ARCHITECTURE.md.`,
  severity: "error",
  from: { path: anyOf([name]), pathNot: TESTS },
  to: {
    // Our own code only; npm packages and Node's modules have rules of their own below.
    path: "^(packages|examples|bench|test|scripts)/",
    pathNot: [
      anyOf([name]),
      ...allowed.filter((other) => other !== "@protocol").map((other) => anyOf([other])),
      ...(allowed.includes("@protocol") ? [PROTOCOL] : []),
    ],
  },
}));

module.exports = {
  forbidden: [
    ...lawRules,
    {
      name: "every-folder-has-a-law",
      comment: "A new folder of packages/fastrtc/src gets its line in LAW first.",
      severity: "error",
      from: { path: SRC, pathNot: [anyOf([...Object.keys(LAW), ...ENTRIES]), TESTS] },
      to: {},
    },
    {
      name: "testing-stays-out",
      comment: "What is exported as fastrtc/testing is not loaded by servers.",
      severity: "error",
      from: { path: SRC, pathNot: [anyOf(["testing"]), TESTS] },
      to: { path: anyOf(["testing"]) },
    },
    {
      name: "tests-are-not-imported",
      comment: "A test exports nothing; share a module instead.",
      severity: "error",
      from: {},
      to: { path: TESTS },
    },
    {
      name: "protocol-imports-nothing",
      comment: "The messages on the wire run anywhere.",
      severity: "error",
      from: { path: "^packages/protocol/src/", pathNot: TESTS },
      to: { pathNot: "^packages/protocol/src/" },
    },
    {
      name: "client-imports-protocol-only",
      comment: "Browsers: no Node, no framework, no server code.",
      severity: "error",
      from: { path: "^packages/client/src/", pathNot: TESTS },
      to: { pathNot: ["^packages/client/src/", PROTOCOL] },
    },
    {
      name: "react-imports-client-only",
      comment: "Hooks over the client, and React.",
      severity: "error",
      from: { path: "^packages/react/src/", pathNot: TESTS },
      to: {
        pathNot: [
          ...["^packages/(react|client)/src/", PROTOCOL],
          "(^|/)node_modules/(@types/)?react/",
          "^react($|/)",
        ],
      },
    },
    {
      name: "playground-is-a-page",
      comment: "The page talks to the server over the wire only.",
      severity: "error",
      from: { path: "^packages/playground/src/", pathNot: TESTS },
      to: { path: ["^packages/fastrtc/", "^node:"] },
    },
    {
      name: "browsers-have-no-node",
      comment: "Node's modules do not exist in a browser.",
      severity: "error",
      from: { path: "^packages/(client|react|playground)/src/", pathNot: TESTS },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "server-has-no-browser-code",
      severity: "error",
      from: { path: SRC, pathNot: TESTS },
      to: { path: "^packages/(client|react|playground)/" },
    },
    {
      name: "examples-use-the-public-surface",
      comment: "An example imports what a user can import: fastrtc, fastrtc/testing, @fastrtc/*.",
      severity: "error",
      from: { path: "^examples/" },
      to: {
        path: "^packages/[^/]+/src/",
        pathNot:
          "^packages/(fastrtc/src/((testing/)?index|flite|openai|redis|sherpa|smart-turn)|(client|react|protocol)/src/index)\\.ts$",
      },
    },
    {
      name: "declared-dependencies-only",
      comment: "What is shipped imports only what its package.json declares.",
      severity: "error",
      from: { path: "^packages/(fastrtc|client|react|protocol)/src/", pathNot: TESTS },
      to: {
        // Types as well: the .d.ts files that we ship import them.
        dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"],
        // Declared as a peer, openai is reported as undeclared besides.
        dependencyTypesNot: ["npm-peer"],
      },
    },
    {
      name: "no-unresolvable",
      comment: "An import of what is not there.",
      severity: "error",
      from: { path: "^(packages|examples|bench|test)/" },
      to: { couldNotResolve: true },
    },
    {
      name: "no-cycles",
      comment: "Also by types only: two files that need each other are one, or need a third.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-orphans",
      comment: "A file that nobody imports and that imports nothing.",
      severity: "error",
      from: {
        orphan: true,
        pathNot: [TESTS, "\\.d\\.ts$", "\\.config\\.ts$", "/src/index\\.ts$", "^(examples|bench)/"],
      },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: ["node_modules", "/dist/"] },
    exclude: { path: ["/kernel/", "/dist/", "/page/", "/assets/", "/coverage/"] },
    // Types count: a type-only cycle is a cycle of ideas.
    tsPreCompilationDeps: true,
    // Not `tsConfig`: it breaks on two levels of `extends`. The aliases live in this file instead.
    webpackConfig: { fileName: ".dependency-cruiser.resolve.cjs" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "node", "default"],
      extensions: [".ts", ".tsx", ".js", ".mjs", ".cjs", ".json"],
    },
    combinedDependencies: false,
    reporterOptions: { text: { highlightFocused: true } },
  },
};
