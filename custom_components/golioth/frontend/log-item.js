/** Models the list's items: logs and notices. */

/** @typedef {LogItem | Notice} Item */

import { byValue, escapedTexts, exactText } from "./exact-json.js";
import { numbersOf } from "./numbers.js";
import { readableLog } from "./readable-log.js";
import { milliseconds } from "./times.js";
import { visibleLine } from "./visible-text.js";

/**
 * Return JSON of a value with its keys sorted.
 * @param {unknown} value
 */
const canonical = (value) =>
  JSON.stringify(value, (_key, each) =>
    each !== null && typeof each === "object" && !Array.isArray(each)
      ? // By keys alone: comparing entries would convert values to strings.
        Object.fromEntries(
          Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)),
        )
      : byValue(each),
  );

/** A log of the list. */
export class LogItem {
  /** @param {unknown} sent */
  constructor(sent) {
    const log = readableLog(sent);
    this.log = log;
    this._sent = log;
    this.time = milliseconds(log.timestamp);
    this.size = log.message.length + JSON.stringify(log.metadata).length;
    /** Whether its details are shown. */
    this.isOpen = false;
    /** @type {string | undefined} */
    this._searchable = undefined;
    /** @type {(number | string)[] | undefined} */
    this._numbers = undefined;
    /** @type {string | undefined} */
    this._identity = undefined;
  }

  /** @returns {undefined} */
  get leftOut() {
    return undefined;
  }

  /**
   * Set the device's name.
   * @param {string | undefined} name Without one, the name in the log.
   */
  nameDevice(name = this._sent.device_name) {
    if (name === this.log.device_name) return;
    this.log = { ...this._sent, device_name: name };
    this._searchable = undefined;
  }

  /** All text of the log, sent and shown, lower-cased. */
  get searchable() {
    const { message, module, device_name, metadata } = this.log;
    if (this._searchable === undefined) {
      const texts = [message, module, device_name, exactText(metadata)];
      const shown = texts
        .map((text) => visibleLine(text, text.length))
        .filter((text, index) => text !== texts[index]);
      this._searchable = [...texts, ...shown, ...escapedTexts(metadata)]
        .join("\n")
        .toLowerCase();
    }
    return this._searchable;
  }

  /** All numbers of the metadata. */
  get numbers() {
    if (this._numbers === undefined)
      this._numbers = numbersOf(this.log.metadata);
    return this._numbers;
  }

  /**
   * What identifies the log, both live and in the history.
   *
   * Without its nanoseconds, because the history may cut times to milliseconds.
   */
  get identity() {
    const { level, module, type, message, metadata } = this.log;
    // Golioth's: Home Assistant's ID is the project's until the device is registered.
    const deviceId = this.log.golioth_device_id;
    if (this._identity === undefined)
      this._identity = canonical([
        this.time,
        ...[deviceId, level, module, type, message, metadata],
      ]);
    return this._identity;
  }
}

/** A notice of logs left out, or of a restart. */
export class Notice {
  /** @param {{ leftOut?: number, isRestart?: boolean }} event */
  constructor({ leftOut, isRestart }) {
    this.time = NaN;
    this.size = 0;
    this.isOpen = false;
    this.leftOut = leftOut;
    this.isRestart = isRestart;
  }

  /** @returns {undefined} */
  get log() {
    return undefined;
  }

  /** @returns {undefined} */
  get identity() {
    return undefined;
  }
}

/** @param {Item} item */
export const isLog = (item) => item.log !== undefined;
