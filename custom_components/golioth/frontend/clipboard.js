/** Copies text, also where Home Assistant is reached without TLS, and the browser has no clipboard for pages. */

import { visibleLine } from "./visible-text.js";

/**
 * Copy a text.
 * @param root The document, or part of it, where an element may be put for a moment.
 * @returns Whether the browser has done it.
 */
export const copyText = async (text, root) => {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // It may still be allowed the old way.
    }
  }
  const focused = root.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  root.append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } finally {
    area.remove();
    focused?.focus({ preventScroll: true });
  }
};

// A spreadsheet takes what begins so for a formula; a quotation mark ends cells and lines elsewhere than they do here.
const FORMULA = /^\s*["=+\-@\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20]/;

/**
 * Return a text as a cell that no spreadsheet takes for more than text. An apostrophe in front of it does that, and leaves all of it
 * readable.
 */
export const cell = (text) => {
  const line = visibleLine(text, text.length);
  return FORMULA.test(line) ? `'${line}` : line;
};
