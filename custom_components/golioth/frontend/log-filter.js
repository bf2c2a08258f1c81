/** Which logs are shown. */

import { higherLevel, isAtLeast, levelsFrom } from "./levels.js";

// What is searched for in the history, in characters.
export const MAX_SEARCH = 255;

/** @import { Configuration } from "./configuration.js" */
/** @import { Item, LogItem } from "./logs.js" */

/**
 * What the user wants to see of what the card was configured to show.
 * @typedef {object} Wanted
 * @property {string} [deviceId]
 * @property {string} [minimumLevel]
 * @property {string} [module]
 * @property {string} [text]
 */

/**
 * What is asked of Golioth's history.
 * @typedef {object} HistoryRequest
 * @property {string[]} [device_ids]
 * @property {string[]} [levels]
 * @property {string} [module]
 * @property {string} [search]
 */

// As in JSON. A number may be shown in another way than the one in which it was sent,
// or is searched for.
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/;

/**
 * Return the number that a text is; undefined where it is none, or one that others
 * cannot be told from.
 * @param {string} text
 */
const numberOf = (text) => {
  if (!NUMBER.test(text)) return undefined;
  const number = Number(text);
  const isExact = !Number.isInteger(number) || Number.isSafeInteger(number);
  return isExact ? number : undefined;
};

export class LogFilter {
  /**
   * @param {Partial<Configuration>} config
   * @param {Wanted} wanted
   */
  constructor(config, wanted = {}) {
    this._deviceId = wanted.deviceId || "";
    this._minimumLevel =
      higherLevel(config.minimum_level, wanted.minimumLevel) || "debug";
    const modules = config.modules ?? [];
    this._modules = wanted.module ? [wanted.module] : modules;
    // What is wanted is never more than what was configured.
    if (modules.length)
      this._modules = this._modules.filter((name) => modules.includes(name));
    this._hasModules = modules.length > 0 || Boolean(wanted.module);
    this._text = (wanted.text || "").toLowerCase();
    // Metadata have a space there where they are shown, but not where they are copied.
    this._compactText = this._text.replace(/":\s+/g, '":');
    this._number = numberOf(this._text);
  }

  /**
   * Whether an item is shown; what is no log always is.
   * @param {Item} item
   */
  matches(item) {
    if (item.log === undefined) return true;
    const { device_id, level, module } = item.log;
    return (
      (!this._deviceId || device_id === this._deviceId) &&
      isAtLeast(level, this._minimumLevel) &&
      (!this._hasModules || this._modules.includes(module)) &&
      (!this._text || this._finds(item))
    );
  }

  /** @param {LogItem} item */
  _finds({ searchable, numbers }) {
    return (
      searchable.includes(this._text) ||
      searchable.includes(this._compactText) ||
      (this._number !== undefined && numbers.includes(this._number))
    );
  }

  /**
   * Return what is asked of Golioth's history, which may answer with more than matches.
   * @param {string[]} deviceIds
   */
  request(deviceIds) {
    /** @type {HistoryRequest} */
    const request = {};
    const devices = this._deviceId ? [this._deviceId] : deviceIds;
    if (devices.length) request.device_ids = devices;
    if (this._minimumLevel !== "debug")
      request.levels = levelsFrom(this._minimumLevel);
    // Golioth looks for one module only.
    if (this._modules.length === 1) [request.module] = this._modules;
    // In lower case, some texts are longer than Home Assistant takes.
    if (this._text) request.search = this._text.slice(0, MAX_SEARCH);
    return request;
  }
}
