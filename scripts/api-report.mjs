/**
 * `npm run api`: compares the public API of each package with its committed report.
 *
 * `npm run api:update` rewrites the reports; their difference is what a reviewer reads.
 */

import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { make } from "./steps/build.mjs";
import { StepFailed, root, runScript } from "./steps/progress.mjs";

/** Every way into a package: its folder, the entry below dist, the report's name. */
const ENTRIES = [
  { folder: "packages/protocol", entry: "index", report: "protocol" },
  { folder: "packages/client", entry: "index", report: "client" },
  { folder: "packages/react", entry: "index", report: "react" },
  { folder: "packages/fastrtc", entry: "index", report: "fastrtc" },
  { folder: "packages/fastrtc", entry: "flite", report: "fastrtc-flite" },
  { folder: "packages/fastrtc", entry: "openai", report: "fastrtc-openai" },
  { folder: "packages/fastrtc", entry: "redis", report: "fastrtc-redis" },
  { folder: "packages/fastrtc", entry: "sherpa", report: "fastrtc-sherpa" },
  { folder: "packages/fastrtc", entry: "smart-turn", report: "fastrtc-smart-turn" },
  { folder: "packages/fastrtc", entry: "testing/index", report: "fastrtc-testing" },
];

const ADVICE = new Set([
  "console-preamble",
  "console-compiler-version-notice",
  "console-api-report-not-copied",
  "console-api-report-copied",
  "console-api-report-created",
]);

const none = { logLevel: ExtractorLogLevel.None };

/**
 * @param {(typeof ENTRIES)[number]} entry - What to report on.
 * @returns {ExtractorConfig} How.
 */
function configFor({ folder, entry, report }) {
  const absolute = path.join(root, folder);
  const reportFolder = path.join(absolute, "api");
  const reportTempFolder = path.join(root, "node_modules/.cache/api-extractor", report);
  // api-extractor wants both to exist.
  mkdirSync(reportFolder, { recursive: true });
  mkdirSync(reportTempFolder, { recursive: true });
  return ExtractorConfig.prepare({
    configObject: {
      projectFolder: absolute,
      mainEntryPointFilePath: path.join(absolute, `dist/${entry}.d.ts`),
      compiler: { tsconfigFilePath: path.join(absolute, "tsconfig.json") },
      apiReport: {
        enabled: true,
        reportFileName: `${report}.api.md`,
        reportFolder,
        reportTempFolder,
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: "lf",
      messages: {
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Warning },
          // We publish everything that an index exports; there are no stages.
          "ae-missing-release-tag": none,
          // typedoc resolves links across packages; api-extractor does not.
          "ae-unresolved-link": none,
          // typedoc's gate.
          "ae-undocumented": none,
          // Shown in the report, where a reviewer sees them.
          "ae-forgotten-export": { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
        },
        // eslint-plugin-tsdoc has read the comments already.
        tsdocMessageReporting: { default: none },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: path.join(absolute, "package.json"),
  });
}

await runScript(async () => {
  await make("packages");
  const update = process.argv.includes("--update");
  /** @type {string[]} */
  const problems = [];
  for (const entry of ENTRIES) {
    const declarations = `${entry.folder}/dist/${entry.entry}.d.ts`;
    if (!existsSync(path.join(root, declarations))) {
      problems.push(`${entry.report} (not built: ${declarations})`);
      continue;
    }
    const result = Extractor.invoke(configFor(entry), {
      // "Local" means: rewrite the report instead of failing.
      localBuild: update,
      showVerboseMessages: false,
      printApiReportDiff: !update,
      messageCallback: (message) => {
        // Its advice is to copy files by hand; ours is below.
        if (ADVICE.has(message.messageId)) message.handled = true;
      },
    });
    const stale = result.apiReportChanged && !update;
    if (stale) problems.push(`${entry.report} (changed)`);
    else if (result.errorCount > 0) problems.push(`${entry.report} (${result.errorCount} errors)`);
    else console.log(`${entry.report}: ${result.apiReportChanged ? "rewritten" : "unchanged"}`);
  }
  if (problems.length > 0) {
    throw new StepFailed(
      "API report",
      `${problems.join(", ")}. If the change is meant, run \`npm run api:update\` and commit the reports.`,
    );
  }
});
