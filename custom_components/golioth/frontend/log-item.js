/** What is shown in a row: a log, with what is known of it, or a notice. */

/** @typedef {LogItem | Notice} Item */

import { byValue, escapedTexts, exactText } from "./exact-json.js";
import { numbersOf } from "./numbers.js";
import { readableLog } from "./readable-log.js";
import { milliseconds } from "./times.js";
import { visibleLine } from "./visible-text.js";

/**
 * Return the JSON of a value, the same whatever the order of its keys is.
 * @param {unknown} value
 */
const canonical = (value) =>
  JSON.stringify(value, (_key, each) =>
    each !== null && typeof each === "object" && !Array.isArray(each)
      ? // By the keys alone: values are not to be compared.
        Object.fromEntries(
          Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)),
        )
      : byValue(each),
  );

/** One log of the list. */
export class LogItem {
  /** @param {unknown} sent */
  constructor(sent) {
    const log = readableLog(sent);
    this.log = log;
    this._sent = log;
    this.time = milliseconds(log.timestamp);
    this.size = log.message.length + JSON.stringify(log.metadata).length;
    /** Whether its metadata is shown. */
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
   * Call the device as it is called now, or as it was called when it logged.
   * @param {string | undefined} name
   */
  nameDevice(name = this._sent.device_name) {
    if (name === this.log.device_name) return;
    this.log = { ...this._sent, device_name: name };
    this._searchable = undefined;
  }

  /** All text of the log, as it was sent and as it is shown, in lower case. */
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
   * What is the same of a log that was told and of the same log in the history, which
   * may cut times to milliseconds.
   */
  get identity() {
    const { level, module, type, message, metadata } = this.log;
    // Home Assistant's own ID is that of the project until the device is registered.
    const deviceId = this.log.golioth_device_id;
    if (this._identity === undefined)
      this._identity = canonical([
        this.time,
        ...[deviceId, level, module, type, message, metadata],
      ]);
    return this._identity;
  }
}

/** What is said between logs: how many were left out, or that there was a restart. */
export class Notice {
  /** @param {{ leftOut?: number, isRestart?: boolean }} said */
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
