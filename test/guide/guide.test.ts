import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const text = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

it("the README shows an example that runs, letter for letter", () => {
  expect(text("README.md")).toContain(`\`\`\`ts\n${text("examples/echo/index.ts")}\`\`\``);
});

it("the guide to testing shows a test that runs, letter for letter", () => {
  const [, code] = /```ts\n([\s\S]*?)```/.exec(text("docs/guide/testing.md")) ?? [];
  expect(code).toBe(text("test/guide/conversation.test.ts"));
});
