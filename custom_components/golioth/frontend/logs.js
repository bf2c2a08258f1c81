/**
 * Keeps a card's logs: live ones and earlier ones.
 *
 * Earlier ones come from Golioth's history. Both are limited in number and size.
 */

/** @import { LogFilter } from "./log-filter.js" */
/** @import { Item } from "./log-item.js" */
/** @import { HistoryPage, LogMessage } from "./log-source.js" */

import { lastIndex } from "./last-index.js";
import { LogItem, Notice, isLog } from "./log-item.js";

// Limits in logs and in characters, each for the history, the live logs, and new logs
// that wait until they are shown.
export const MAX_LOGS = 2000;
const MAX_SIZE = 4 * 1024 * 1024;

// The first live logs whose times are compared: among so many, a device with a wrong
// clock is not alone.
const CLOCK_SAMPLE = 10;

// Plausible times in milliseconds since 1970; a clock that was never set is outside.
const FIRST_TIME = Date.UTC(2020, 0);
const LAST_TIME = Date.UTC(2199, 0);

/** A list that drops its oldest items when full. */
class Bounded {
  constructor() {
    /** @type {Item[]} */
    this.items = [];
    this._size = 0;
  }

  get isFull() {
    return this.items.length >= MAX_LOGS || this._size >= MAX_SIZE;
  }

  /**
   * Add items at the end, and return the dropped ones.
   * @param {Item[]} items
   */
  push(items) {
    for (const item of items) {
      this.items.push(item);
      this._size += item.size;
    }
    let gone = 0;
    while (
      this.items.length - gone > MAX_LOGS ||
      (this._size > MAX_SIZE && gone < this.items.length)
    )
      this._size -= this.items[gone++].size;
    return this.items.splice(0, gone);
  }

  /** @param {Item[]} items */
  unshift(items) {
    this.items.unshift(...items);
    for (const item of items) this._size += item.size;
  }

  /**
   * Remove items from the beginning, and return them.
   * @param {number} count
   */
  shift(count) {
    const gone = this.items.splice(0, count);
    for (const item of gone) this._size -= item.size;
    return gone;
  }

  /** @param {Item} item */
  remove(item) {
    this.items.splice(this.items.indexOf(item), 1);
    this._size -= item.size;
  }
}

/**
 * Return the state of a history not read yet.
 */
const newHistory = () => ({
  /** Whether a page was requested. */
  isBegun: false,
  /**
   * The end of the next page, once one was read.
   * @type {string | null}
   */
  start: null,
  /** Whether there may be earlier logs. */
  hasMore: true,
  /** Whether Golioth returned all logs of each page. */
  isComplete: true,
  /** Whether logs were dropped from it. */
  isCut: false,
  /** The newest time that was read, in milliseconds since 1970. */
  newest: -Infinity,
});

export class Logs {
  /** @param {LogFilter} filter Decides which logs are shown. */
  constructor(filter) {
    /** Whether new logs wait until they are shown. */
    this.isHeld = false;
    /** The number of changes to the shown logs. */
    this.revision = 0;
    this._filter = filter;
    /**
     * Names by Home Assistant's device ID.
     * @type {Map<unknown, string>}
     */
    this._names = new Map();
    /**
     * The run of Home Assistant that numbered the logs.
     * @type {string | null}
     */
    this._session = null;
    this._last = 0;
    this._shown = new Bounded();
    this._waiting = new Bounded();
    this._waitingLeftOut = 0;
    this._waitingGone = 0;
    this._history = new Bounded();
    this.history = newHistory();
  }

  /** @param {Item[]} items */
  _reset(items) {
    this._shown = new Bounded();
    this._shown.push(items);
    this._waiting = new Bounded();
    this._waitingLeftOut = 0;
    this._waitingGone = 0;
    this.forgetHistory();
  }

  /**
   * Apply another filter, and forget the history.
   *
   * The history has only the logs that matched the last filter.
   * @param {LogFilter} filter
   */
  filterBy(filter) {
    this._filter = filter;
    this._waitingGone = 0;
    this.forgetHistory();
  }

  /**
   * Give devices Home Assistant's current names.
   * @param {Map<string, string>} names By device ID.
   */
  nameDevices(names) {
    this._names = names;
    for (const { items } of [this._history, this._shown, this._waiting])
      for (const item of items) if (item.log) this._nameDevice(item);
    this.revision += 1;
  }

  /** @param {LogItem} item */
  _nameDevice(item) {
    item.nameDevice(this._names.get(item.log.device_id));
  }

  /** @param {unknown} sent */
  _newItem(sent) {
    const item = new LogItem(sent);
    this._nameDevice(item);
    return item;
  }

  /** @param {Item[]} items */
  _matching(items) {
    return items.filter((item) => this._filter.matches(item));
  }

  /** Whether Home Assistant has sent its recent logs. */
  get isBegun() {
    return this._session !== null;
  }

  /**
   * Take the recent logs that Home Assistant sends first.
   *
   * Where logs are missing since the last session or connection, earlier live logs are
   * dropped: the history has them.
   * @param {LogMessage} message
   */
  begin({ session = "", first_number = 1, logs }) {
    const isRestarted = this._session !== null && this._session !== session;
    const isAnew = this._session !== session || first_number > this._last + 1;
    if (isAnew) {
      this._reset(isRestarted ? [new Notice({ isRestart: true })] : []);
      this._last = 0;
    }
    this._session = session;
    // In an empty view, new logs need not wait.
    if (isAnew) this._append(this._takeNew(logs));
    else this.add({ logs, left_out: 0 });
    this._last = Math.max(this._last, first_number - 1);
  }

  /**
   * Add new logs, and a notice of those left out.
   * @param {LogMessage} message
   */
  add({ logs, left_out = 0 }) {
    const items = this._takeNew(logs);
    if (!items.length && !left_out) return;
    for (const item of items) this._removeFromHistory(item);
    if (this.isHeld) this._wait(items, left_out);
    else this._append(items, left_out);
  }

  /**
   * Return items for the logs not received before.
   * @param {any[]} logs
   */
  _takeNew(logs) {
    const missing = logs.filter((log) => log?.number > this._last);
    if (missing.length) this._last = missing[missing.length - 1].number;
    return missing.map((log) => this._newItem(log));
  }

  /**
   * @param {Item[]} items
   * @param {number} leftOut
   */
  _wait(items, leftOut) {
    if (leftOut) items = [new Notice({ leftOut }), ...items];
    const gone = this._waiting.push(items);
    const logs = gone.filter(isLog);
    this._waitingGone += this._matching(logs).length;
    this._waitingLeftOut += logs.length;
    for (const item of gone) this._waitingLeftOut += item.leftOut ?? 0;
  }

  /** Show the logs that waited, and new ones at once. */
  release() {
    this.isHeld = false;
    const { items } = this._waiting;
    this._append(items, this._waitingLeftOut);
    this._waiting = new Bounded();
    this._waitingLeftOut = this._waitingGone = 0;
  }

  /** @param {Item[]} items */
  _append(items, leftOut = 0) {
    this.revision += 1;
    const last = this._shown.items[this._shown.items.length - 1];
    if (leftOut && last?.leftOut) last.leftOut += leftOut;
    else if (leftOut) items = [new Notice({ leftOut }), ...items];
    const gone = this._shown.push(items);
    // Dropped live logs come right after the history.
    if (this.history.isBegun) this._keep(this._matching(gone));
  }

  /**
   * Add items at the end of the history.
   * @param {Item[]} items
   */
  _keep(items) {
    let last = this._history.items[this._history.items.length - 1];
    for (const item of items) {
      // After a storm without matching logs, the history would hold notices only.
      if (item.leftOut && last?.leftOut) {
        last.leftOut += item.leftOut;
        continue;
      }
      last = item;
      if (!this._history.push([item]).length) continue;
      this.history.isCut = true;
      this.history.hasMore = true;
    }
  }

  /**
   * Remove a log that is also received live.
   *
   * Home Assistant may catch a log up after the card has read it from the history.
   * @param {LogItem} item
   */
  _removeFromHistory(item) {
    if (item.time > this.history.newest) return;
    const { items } = this._history;
    const index = lastIndex(
      items,
      // A numbered log was received live before, so it is another one.
      ({ log, identity }) =>
        log && log.number === undefined && identity === item.identity,
    );
    if (index < 0) return;
    this._history.remove(items[index]);
    this.revision += 1;
  }

  /**
   * Return the number of new logs that match the filter.
   *
   * Counts those that wait, and those dropped meanwhile.
   */
  countWaiting() {
    const logs = this._waiting.items.filter(isLog);
    return this._matching(logs).length + this._waitingGone;
  }

  /** Return the shown items, oldest first. */
  shown() {
    return [...this._history.items, ...this._matching(this._shown.items)];
  }

  /** Return the modules that have logged, sorted. */
  modules() {
    /** @type {Set<string>} */
    const names = new Set();
    for (const { items } of [this._history, this._shown])
      for (const { log } of items) if (log?.module) names.add(log.module);
    return [...names].sort();
  }

  /** Whether no more of the history may be added. */
  get isHistoryFull() {
    return this.history.isCut || this._history.isFull;
  }

  /**
   * Return the first live logs, up to the first gap.
   *
   * With the notices in front of them.
   */
  _firstLive() {
    const items = [...this._history.items, ...this._shown.items];
    const first = items.findIndex(({ log }) => log);
    const end = items.findIndex(({ log }, index) => index > first && !log);
    return items.slice(
      0,
      Math.min(end < 0 ? Infinity : end, first + CLOCK_SAMPLE),
    );
  }

  /**
   * Return the end of the next page of the history.
   *
   * From now on, live logs that are dropped move to the history.
   */
  beginPage() {
    this.history.isBegun = true;
    if (this.history.start !== null) return this.history.start;
    const times = this._firstLive()
      .map(({ time }) => time)
      .filter((time) => time > FIRST_TIME && time < LAST_TIME);
    // A day later, because the browser's clock and Golioth's may differ.
    const newest = times.length ? Math.max(...times) : Date.now() + 86400000;
    return new Date(newest).toISOString();
  }

  /**
   * Add a page of the history.
   *
   * Its end may overlap with the live logs. Logs that do not match are not kept.
   * @param {HistoryPage} page
   */
  addHistory({ logs, start, more, complete }) {
    // Logs between this page and the rest were dropped.
    if (this.history.isCut) return;
    const page = logs.map((log) => this._newItem(log));
    const newest = page[page.length - 1]?.time;
    const known = new Map();
    for (const { items } of [this._history, this._shown, this._waiting])
      for (const item of items)
        if (item.log?.number !== undefined && item.time <= newest)
          known.set(item.identity, (known.get(item.identity) ?? 0) + 1);
    const unknown = page
      // Newest first: those may overlap with the live logs.
      .reverse()
      .filter(({ identity }) => {
        const count = known.get(identity) ?? 0;
        known.set(identity, count - 1);
        return count <= 0;
      })
      .reverse();
    const oldest = Math.min(...page.map(({ time }) => time));
    const items = this._matching(unknown);
    const { history } = this;
    if (items.length)
      history.newest = Math.max(history.newest, items[items.length - 1].time);
    const isFirst = history.start === null;
    this._history.unshift(isFirst ? this._mixWithLive(items, oldest) : items);
    history.start = start;
    history.hasMore = more;
    history.isComplete = history.isComplete && complete;
    this.revision += 1;
  }

  /**
   * Sort the first page's new items into the live logs.
   *
   * Moves the live logs older than some of these items to the history, and returns
   * both, each item where its time belongs.
   * @param {Item[]} items
   * @param {number} oldest The oldest time of the page; earlier times of live logs are
   *   ignored, because those clocks are wrong.
   */
  _mixWithLive(items, oldest) {
    const newest = items[items.length - 1]?.time;
    const live = this._firstLive();
    const end =
      lastIndex(live, ({ time }) => time >= oldest && time < newest) + 1;
    const kept = this._history.shift(end);
    const taken = [...kept, ...this._shown.shift(end - kept.length)];
    const left = [...items];
    /** @type {Item[]} */
    const mixed = [];
    // Newest first, because logs are delayed but seldom early.
    for (const item of taken.reverse()) {
      while (item.time >= oldest && left[left.length - 1]?.time > item.time)
        mixed.push(...left.splice(-1));
      mixed.push(item);
    }
    return [...left, ...this._matching(mixed.reverse())];
  }

  /** Drop the history, so that it is read again. */
  forgetHistory() {
    this._history = new Bounded();
    this.history = newHistory();
    this.revision += 1;
  }
}
