/**
 * Copies text, with or without the browser's clipboard API.
 *
 * Browsers offer that API in secure contexts only, such as over TLS.
 */

import { exactText } from "./exact-json.js";
import { visibleLine } from "./visible-text.js";

/** @import { Log } from "./readable-log.js" */

/**
 * Copy a text.
 * @param {string} text
 * @param {ShadowRoot} root Holds a text field for a moment.
 * @returns Whether the browser copied it.
 */
export const copyText = async (text, root) => {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // `execCommand` may still be allowed.
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
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
};

// A spreadsheet reads text that begins like this as a formula. A leading quotation mark
// would change where its cells and lines end.
const FORMULA = /^\s*["=+\-@\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20]/;

/**
 * Return logs as a table for a spreadsheet.
 *
 * Each log is one line, its cells separated by tabs, whatever devices send.
 * @param {Log[]} logs
 * @param {string} unreadable The message of a log that cannot be shown.
 */
export const table = (logs, unreadable) =>
  logs
    .map((log) => [
      ...[log.timestamp, log.level, log.device_name, log.module],
      log.isUnreadable ? unreadable : log.message,
      ...(Object.keys(log.metadata).length ? [exactText(log.metadata)] : []),
    ])
    .map((line) => line.map(cell).join("\t"))
    .join("\n");

/**
 * Return a cell that no spreadsheet evaluates.
 *
 * A leading apostrophe marks text, and leaves all of it readable.
 * @param {string} text
 */
const cell = (text) => {
  const line = visibleLine(text, text.length);
  return FORMULA.test(line) ? `'${line}` : line;
};
