/** Shows a log or a notice as a row. */

/** @import { Language, TextKey } from "./language.js" */
/** @import { Item, LogItem } from "./log-item.js" */
/** @import { Log } from "./readable-log.js" */
/** @import { TimeFormat } from "./times.js" */

import { element, setChildren, setText } from "./elements.js";
import { exactText } from "./exact-json.js";
import { knownLevel } from "./levels.js";
import { visibleLine, visibleText } from "./visible-text.js";

// Longest texts in characters: no screen shows more in a line, and layout takes long.
const LINE = 500;
const NAME = 60;
// In the details, until the user asks for all.
const DETAIL = 2000;

// Longest indented JSON, compared to compact JSON: a deeply nested value would have
// hundreds of spaces in each line.
const MOST_INDENTED = 10;

export class LogRow {
  /**
   * @param {Language} language
   * @param {TimeFormat} times
   */
  constructor(language, times) {
    /**
     * The item that is shown.
     * @type {Item | null}
     */
    this.item = null;
    /** @type {Log | undefined} */
    this._log = undefined;
    this._language = language;
    this._times = times;
    this._time = element("time");
    this._level = element("span", { class: "level" });
    this._device = element("bdi", { class: "device" });
    this._module = element("bdi", { class: "module" });
    this._message = element("bdi", { class: "message" });
    this.button = element(
      "button",
      { type: "button", class: "line", tabindex: -1 },
      ...[this._time, this._level, this._device, this._module, this._message],
    );
    this._day = element("div", { class: "day" });
    this._notice = element("div", { class: "notice" });
    this.element = element("div", { class: "row" }, this.button);
  }

  /**
   * Show an item.
   * @param {Item} item
   * @param {Item | null} logBefore The previous log. Where its day differs, or there is
   *   none and the day is not today, the row shows the day.
   */
  show(item, logBefore) {
    // A new name of the device replaces the log of the item.
    const isOther = this.item !== item || this._log !== item.log;
    this.item = item;
    this._log = item.log;
    if (item.log === undefined) {
      this._showNotice(item);
      return;
    }
    const day = this._times.day(item.time);
    const isNewDay = this._times.day(logBefore?.time ?? Date.now()) !== day;
    if (isOther) {
      this._showLog(item);
      // Only what differs: most rows stay logs.
      if (this._notice.isConnected) setChildren(this.element, this.button);
      this.button.nextElementSibling?.remove();
    }
    if (isNewDay) {
      setText(this._day, day);
      this.element.prepend(this._day);
    } else {
      this._day.remove();
    }
    this.showDetails();
  }

  /** @param {Item} item */
  _showNotice({ leftOut }) {
    setText(
      this._notice,
      leftOut === undefined
        ? this._language.text("restarted")
        : this._language.count("left_out", leftOut),
    );
    setChildren(this.element, this._notice);
  }

  /** @param {LogItem} item */
  _showLog({ log, time }) {
    this.button.dataset.level = knownLevel(log.level) ?? "other";
    setText(this._time, this._times.time(time));
    setText(this._level, levelName(log.level, this._language));
    setText(this._device, visibleLine(log.device_name, NAME));
    setText(this._module, visibleLine(log.module, NAME));
    this.button.classList.toggle("unreadable", Boolean(log.isUnreadable));
    setText(
      this._message,
      log.isUnreadable
        ? this._language.text("unreadable")
        : visibleLine(log.message, LINE),
    );
  }

  /** Show the details of an open item, or hide them. */
  showDetails() {
    const { item } = this;
    if (!item?.log) return;
    this.button.setAttribute("aria-expanded", `${item.isOpen}`);
    const shown = this.button.nextElementSibling;
    if (item.isOpen && !shown) this.element.append(this._details(item));
    else if (!item.isOpen) shown?.remove();
  }

  /** @param {LogItem} item */
  _details({ log, time }) {
    const list = element("dl");
    /**
     * @param {TextKey} key
     * @param {string} text
     */
    const add = (key, text) => {
      if (!text) return;
      const value = element("bdi", {}, visibleText(text, DETAIL));
      const description = element("dd", {}, value);
      if (text.length > DETAIL) {
        const all = element("button", { type: "button", class: "text" });
        setText(all, this._language.text("show_all"));
        all.addEventListener("click", () => {
          setText(value, visibleText(text, text.length));
          all.remove();
          // The removed button had the focus, which would fall back to the page.
          this.button.focus({ preventScroll: true });
        });
        description.append(all);
      }
      list.append(element("dt", {}, this._language.text(key)), description);
    };
    add("time", `${this._times.day(time)}, ${this._times.exact(time)}`);
    add("level", levelName(log.level, this._language));
    add("device", log.device_name);
    add("module", log.module);
    add("type", log.type);
    add("message", log.message);
    if (Object.keys(log.metadata).length)
      add("metadata", indented(log.metadata));
    const details = element("div", { class: "details" }, list);
    if (log.truncated)
      details.append(element("p", {}, this._language.text("truncated")));
    return details;
  }
}

/**
 * Return indented JSON, or compact JSON where nested deeply.
 * @param {object} value
 */
const indented = (value) => {
  const text = exactText(value);
  const lines = exactText(value, 2);
  return lines.length > MOST_INDENTED * text.length ? text : lines;
};

/**
 * @param {string} level
 * @param {Language} language
 */
const levelName = (level, language) => {
  const known = knownLevel(level);
  return known ? language.text(known) : visibleLine(level, NAME);
};
