/**
 * The logs that a card knows: those of now, and those from Golioth's history before
 * them; never too many.
 */

/** @import { LogFilter } from "./log-filter.js" */
/** @import { Item } from "./log-item.js" */
/** @import { HistoryPage, LogMessage } from "./log-source.js" */

import { lastIndex } from "./last-index.js";
import { LogItem, Notice, isLog } from "./log-item.js";

// Of each: of the history, of what is shown live, and of what waits until it is shown.
// In logs and in characters.
export const MAX_LOGS = 2000;
const MAX_SIZE = 4 * 1024 * 1024;

// A device with a wrong clock is not alone among so many logs.
const CLOCK_SAMPLE = 10;

// In milliseconds since 1970: what a clock that was never set tells, or one that has
// lost all measure, is not between these.
const FIRST_TIME = Date.UTC(2020, 0);
const LAST_TIME = Date.UTC(2199, 0);

/** A list that lets go of the oldest, where there are too many. */
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
   * Add items at the end, and return those that had to go.
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
   * Remove items from the beginning, if there are so many, and return them.
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
 * Return what is known of a history that begins anew: whether it has been asked for,
 * until when it has been read, whether there is more, whether Golioth has given all,
 * whether something of it had to go, and the newest time that was read.
 */
const newHistory = () => ({
  isBegun: false,
  /** @type {string | null} */
  start: null,
  hasMore: true,
  isComplete: true,
  isCut: false,
  newest: -Infinity,
});

export class Logs {
  /** @param {LogFilter} filter Of what is shown. */
  constructor(filter) {
    /** Whether new logs wait until they are shown. */
    this.isHeld = false;
    /** Counts the changes of what is shown. */
    this.revision = 0;
    this._filter = filter;
    /**
     * By Home Assistant's ID of a device.
     * @type {Map<unknown, string>}
     */
    this._names = new Map();
    /**
     * Which run of Home Assistant the logs are of.
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
   * Show what another filter leaves. The history has only what the last one left, so
   * that it is to be read anew.
   * @param {LogFilter} filter
   */
  filterBy(filter) {
    this._filter = filter;
    this._waitingGone = 0;
    this.forgetHistory();
  }

  /**
   * Call devices as Home Assistant calls them now.
   * @param {Map<string, string>} names By ID.
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

  /** Whether Home Assistant has told what it has. */
  get isBegun() {
    return this._session !== null;
  }

  /**
   * Take what Home Assistant tells first. Where logs are missing since the last time,
   * only those are kept that were told now: the others are in the history.
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
    // In an empty view, there is nothing for which new logs could wait.
    if (isAnew) this._append(this._takeNew(logs));
    else this.add({ logs, left_out: 0 });
    this._last = Math.max(this._last, first_number - 1);
  }

  /**
   * Take more logs, in front of which some may have been left out.
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
   * Return items of those logs that were not told before.
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

  /** Show new logs as they come, those that have waited first. */
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
    // It is what comes right after the history.
    if (this.history.isBegun) this._keep(this._matching(gone));
  }

  /**
   * Add items at the end of the history, which lets go of its oldest.
   * @param {Item[]} items
   */
  _keep(items) {
    let last = this._history.items[this._history.items.length - 1];
    for (const item of items) {
      // Where no log between them matches, there would be nothing but these after a
      // storm.
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
   * Remove a log from the history: one that Home Assistant has caught up may have been
   * read before it was told.
   * @param {LogItem} item
   */
  _removeFromHistory(item) {
    if (item.time > this.history.newest) return;
    const { items } = this._history;
    const index = lastIndex(
      items,
      // One that was told, and has gone to the history since, is another one.
      ({ log, identity }) =>
        log && log.number === undefined && identity === item.identity,
    );
    if (index < 0) return;
    this._history.remove(items[index]);
    this.revision += 1;
  }

  /**
   * Return how many new logs match the filter: those that wait, and those that had to
   * go meanwhile.
   */
  countWaiting() {
    const logs = this._waiting.items.filter(isLog);
    return this._matching(logs).length + this._waitingGone;
  }

  /** Return what is shown, oldest first. */
  shown() {
    return [...this._history.items, ...this._matching(this._shown.items)];
  }

  /** Return the names of the modules that have logged. */
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
   * Return the first of the live logs, as far as none of them were left out, and what
   * is said in front of them.
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
   * Return until when the history is read next: from then on, what falls off the live
   * logs is kept behind it.
   */
  beginPage() {
    this.history.isBegun = true;
    if (this.history.start !== null) return this.history.start;
    const times = this._firstLive()
      .map(({ time }) => time)
      .filter((time) => time > FIRST_TIME && time < LAST_TIME);
    // A day more, because this clock and that of Golioth may differ.
    const newest = times.length ? Math.max(...times) : Date.now() + 86400000;
    return new Date(newest).toISOString();
  }

  /**
   * Take a page of the history, the end of which may overlap with what is shown live;
   * what does not match is not kept.
   * @param {HistoryPage} page
   */
  addHistory({ logs, start, more, complete }) {
    // It would not be what came right before any more.
    if (this.history.isCut) return;
    const page = logs.map((log) => this._newItem(log));
    const newest = page[page.length - 1]?.time;
    const known = new Map();
    for (const { items } of [this._history, this._shown, this._waiting])
      for (const item of items)
        if (item.log?.number !== undefined && item.time <= newest)
          known.set(item.identity, (known.get(item.identity) ?? 0) + 1);
    const unknown = page
      // From the newest, which are those that overlap.
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
   * Return what is new of the first page, and with it those live logs that some of it
   * is later than, which the history has from now on: between them, it is where its
   * time belongs.
   * @param {Item[]} items What is new.
   * @param {number} oldest The oldest time of the page: a clock that tells an earlier
   *   one tells nothing.
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
    // From the newest, because a log comes seldom before its time.
    for (const item of taken.reverse()) {
      while (item.time >= oldest && left[left.length - 1]?.time > item.time)
        mixed.push(...left.splice(-1));
      mixed.push(item);
    }
    return [...left, ...this._matching(mixed.reverse())];
  }

  /** Let go of the history, to read it anew. */
  forgetHistory() {
    this._history = new Bounded();
    this.history = newHistory();
    this.revision += 1;
  }
}
