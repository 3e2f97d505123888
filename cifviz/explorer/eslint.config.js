// What finds faults in the JavaScript of the explorer and of its tests. Run from the root of the
// clone, see package.json, since tests are outside this folder.

import js from "@eslint/js";
import { parser, plugin } from "typescript-eslint";

const EXPLORER = "cifviz/explorer";
const SITE = "cifviz/course/site/js";

export default [
  { ignores: [`${EXPLORER}/static/`] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      "consistent-return": "error",
      eqeqeq: "error",
      "no-constructor-return": "error",
      "no-implicit-coercion": "error",
      "no-promise-executor-return": "error",
      "no-self-compare": "error",
      "no-shadow": "error",
      "no-unmodified-loop-condition": "error",
      "no-unused-expressions": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
  {
    files: [`${SITE}/*.js`],
    languageOptions: {
      globals: Object.fromEntries(
        (
          "Blob DOMException DecompressionStream Element Response URL Worker addEventListener atob " +
          "document innerHeight localStorage"
        )
          .split(" ")
          .map((name) => [name, "readonly"]),
      ),
    },
  },
  {
    files: [`${SITE}/browser_worker.js`],
    languageOptions: { globals: { self: "readonly" } },
  },
  {
    files: ["**/*.mjs", "**/eslint.config.js"],
    languageOptions: { globals: { process: "readonly" } },
  },
  {
    // With types: promises that nobody waits for, and names that tsc checks.
    files: [`${EXPLORER}/js/**/*.js`],
    languageOptions: {
      parser,
      parserOptions: { project: `${EXPLORER}/tsconfig.json`, tsconfigRootDir: process.cwd() },
    },
    plugins: { typescript: plugin },
    rules: {
      "no-undef": "off",
      "typescript/await-thenable": "error",
      "typescript/no-floating-promises": "error",
      "typescript/no-misused-promises": "error",
      "typescript/only-throw-error": "error",
      "typescript/prefer-promise-reject-errors": "error",
      "typescript/switch-exhaustiveness-check": "error",
    },
  },
];
