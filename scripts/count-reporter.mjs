/**
 * Makes the count of tests the last line of a run: `N passed, N failed`.
 */

/** @import { Reporter, SerializedError, TestModule } from "vitest/node" */

/**
 * Counts the tests of a run.
 *
 * A file that could not be loaded and an error outside any test count as one failure each: a run
 * that ends with an error never says "0 failed".
 *
 * @param {readonly TestModule[]} modules - The test files.
 * @param {readonly SerializedError[]} errors - What was thrown outside any test.
 * @returns {string} For example `12 passed, 0 failed`.
 */
export function countTests(modules, errors) {
  let passed = 0;
  let failed = errors.length;
  let skipped = 0;
  for (const module of modules) {
    let failedHere = 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === "passed") passed++;
      else if (state === "failed") failedHere++;
      else skipped++;
    }
    if (failedHere === 0 && module.state() === "failed") failedHere = 1;
    failed += failedHere;
  }
  return `${passed} passed, ${failed} failed` + (skipped > 0 ? `, ${skipped} skipped` : "");
}

/** @implements {Reporter} */
export default class CountReporter {
  /**
   * @param {readonly TestModule[]} modules - The test files.
   * @param {readonly SerializedError[]} errors - What was thrown outside any test.
   */
  onTestRunEnd(modules, errors) {
    const line = countTests(modules, errors);
    // Coverage tables and warnings come after the reporters; nothing comes after this.
    process.once("exit", () => console.log(line));
  }
}
