/** Rules for the card's modules, and for the two scripts that older browsers load. */

import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import globals from "globals";

const SCRIPTS = ["**/frontend/legacy.js", "**/frontend/too-old.js"];

export default defineConfig([
  js.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["**/frontend/*.js"],
    ignores: SCRIPTS,
    languageOptions: { ecmaVersion: 2020, globals: globals.browser },
  },
  {
    files: SCRIPTS,
    languageOptions: {
      ecmaVersion: 5,
      sourceType: "script",
      globals: { ...globals.browser, Reflect: "readonly" },
    },
  },
]);
