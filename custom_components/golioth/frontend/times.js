/** Formats times by the user's language, clock and time zone. */

import { knownLocales } from "./language.js";

/** @import { Locale } from "../../../types/home-assistant.js" */

/**
 * Return a time zone if the browser knows it.
 *
 * Otherwise undefined, which means the browser's own.
 * @param {string} zone
 */
const knownZone = (zone) => {
  try {
    new Intl.DateTimeFormat(undefined, { timeZone: zone });
    return zone;
  } catch {
    return undefined;
  }
};

/**
 * Return a timestamp in milliseconds since 1970.
 *
 * Cut to milliseconds first: not every browser reads nanoseconds.
 * @param {string} timestamp
 */
export const milliseconds = (timestamp) => {
  const time = Date.parse(timestamp.replace(/(\.\d{3})\d+/, "$1"));
  return Number.isNaN(time) ? 0 : time;
};

export class TimeFormat {
  /**
   * @param {Locale} locale The user's. The browser's replaces an unknown language.
   * @param {string} serverZone Home Assistant's time zone. The browser's replaces an
   *   unknown one.
   */
  constructor(locale, serverZone) {
    /** @type {Record<string, Intl.DateTimeFormatOptions>} */
    const clock = { 12: { hour12: true }, 24: { hourCycle: "h23" } };
    const known = knownLocales(locale.language);
    const language = locale.time_format === "system" ? undefined : known;
    const zone =
      locale.time_zone === "server" ? knownZone(serverZone) : undefined;
    /** @type {Intl.DateTimeFormatOptions} */
    const time = {
      hour: "numeric",
      minute: "2-digit",
      second: "2-digit",
      timeZone: zone,
      ...clock[locale.time_format],
    };
    this._time = new Intl.DateTimeFormat(language, time);
    this._exact = new Intl.DateTimeFormat(language, {
      ...time,
      fractionalSecondDigits: 3,
    });
    this._day = new Intl.DateTimeFormat(known, {
      dateStyle: "full",
      timeZone: zone,
    });
  }

  /**
   * Return a time to the second.
   * @param {number} time
   */
  time(time) {
    return this._time.format(time);
  }

  /**
   * Return a time to the millisecond.
   * @param {number} time
   */
  exact(time) {
    return this._exact.format(time);
  }

  /**
   * Return the day of a time.
   * @param {number} time
   */
  day(time) {
    return this._day.format(time);
  }
}
