import tsdoc from "eslint-plugin-tsdoc";
import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    ignores: [
      "**/dist/**",
      "**/coverage/**",
      "**/node_modules/**",
      "**/kernel/**",
      "packages/fastrtc/assets/**",
      "packages/fastrtc/page/**",
      "docs/api/**",
      "**/*.{js,mjs,cjs}",
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    files: ["**/*.ts", "**/*.tsx"],
    plugins: { tsdoc },
    languageOptions: {
      parserOptions: { project: "./tsconfig.check.json", tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "tsdoc/syntax": "error",
      "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      // Type aliases of literal unions and interfaces both have their use; we decide by shape.
      "@typescript-eslint/consistent-type-definitions": "off",
      // `${number}` is what a reader expects of a template.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // A parameter that only documents an overridable method.
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      // Handlers of users may be sync or async: contracts say `void | Promise<void>`.
      "@typescript-eslint/no-invalid-void-type": "off",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ["**/*.test.ts", "**/*.test.tsx", "**/test/**/*.ts", "examples/**/*.ts"],
    rules: {
      // An async generator that yields what is there needs no await.
      "@typescript-eslint/require-await": "off",
      // Assertions about what is known to be there read better with `!`.
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
);
