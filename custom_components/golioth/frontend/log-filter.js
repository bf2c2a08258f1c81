/** Decides which logs are shown. */

import { higherLevel, isAtLeast, levelsFrom } from "./levels.js";
import { soughtNumber } from "./numbers.js";
import { sentPiece } from "./visible-text.js";

// The longest search of the history, in characters.
export const MAX_SEARCH = 255;

/** @import { Configuration } from "./configuration.js" */
/** @import { Item, LogItem } from "./log-item.js" */

/**
 * The user's filter, within the logs that the card shows.
 * @typedef {object} Wanted
 * @property {string} [deviceId]
 * @property {string} [minimumLevel]
 * @property {string} [module]
 * @property {string} [text]
 */

/**
 * The filter of a request for Golioth's history.
 * @typedef {object} HistoryRequest
 * @property {string[]} [device_ids]
 * @property {string[]} [levels]
 * @property {string} [module]
 * @property {string} [search]
 */

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
    // The user's filter never widens the configured one.
    if (modules.length)
      this._modules = this._modules.filter((name) => modules.includes(name));
    this._hasModules = modules.length > 0 || Boolean(wanted.module);
    this._text = (wanted.text || "").toLowerCase();
    // Metadata has a space after a colon where it is shown, but not where it is copied.
    this._compactText = this._text.replace(/":\s+/g, '":');
    this._sought = soughtNumber(this._text);
  }

  /**
   * Return whether an item is shown; notices always are.
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
      (this._sought.length > 0 &&
        numbers.some((each) => this._sought.includes(each)))
    );
  }

  /**
   * Return the request for Golioth's history.
   *
   * Its answer may contain logs that do not match.
   * @param {string[]} deviceIds
   */
  request(deviceIds) {
    /** @type {HistoryRequest} */
    const request = {};
    const devices = this._deviceId ? [this._deviceId] : deviceIds;
    if (devices.length) request.device_ids = devices;
    if (this._minimumLevel !== "debug")
      request.levels = levelsFrom(this._minimumLevel);
    // Golioth filters by one module only.
    if (this._modules.length === 1) [request.module] = this._modules;
    // Golioth does not know the pictures shown for invisible characters.
    const search = sentPiece(this._text);
    // In lower case, some texts become longer than Home Assistant accepts.
    if (search) request.search = search.slice(0, MAX_SEARCH);
    return request;
  }
}
