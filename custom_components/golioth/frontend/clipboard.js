/**
 * Copies text, also where Home Assistant is reached without TLS, and the browser has no
 * clipboard for pages.
 */

import { exactText } from "./exact-json.js";
import { visibleLine } from "./visible-text.js";

/** @import { Log } from "./readable-log.js" */

/**
 * Copy a text.
 * @param {string} text
 * @param {ShadowRoot} root Where an element may be put for a moment.
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
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
};

// A spreadsheet takes what begins so for a formula; a quotation mark ends cells and
// lines elsewhere than they do here.
const FORMULA = /^\s*["=+\-@\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20]/;

/**
 * Return logs as a table, with tabs between its cells and a line for each log, whatever
 * devices send.
 * @param {Log[]} logs
 * @param {string} unreadable What is said of a log that cannot be shown.
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
 * Return a text as a cell that no spreadsheet takes for more than text. An apostrophe
 * in front of it does that, and leaves all of it readable.
 * @param {string} text
 */
const cell = (text) => {
  const line = visibleLine(text, text.length);
  return FORMULA.test(line) ? `'${line}` : line;
};
