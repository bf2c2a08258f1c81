/** The logs that a card knows: those of now, and those from Golioth's history before them; never too many. */

import { milliseconds } from "./times.js";

// Of each: of the history, of what is shown live, and of what waits until it is shown. In logs and in characters.
export const MAX_LOGS = 2000;
const MAX_SIZE = 4 * 1024 * 1024;

// A device with a wrong clock is not alone among so many logs.
const TELLING = 10;

/** Return the JSON of a value, the same whatever the order of its keys is. */
const canonical = (value) =>
  JSON.stringify(value, (_key, each) =>
    each !== null && typeof each === "object" && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort())
      : each,
  );

/** One log of the list. */
class LogItem {
  constructor(log) {
    this.log = log;
    this.time = milliseconds(log.timestamp);
    this.size = log.message.length + JSON.stringify(log.metadata).length;
    /** Whether its metadata is shown. */
    this.isOpen = false;
  }

  /** All text of the log, in lower case. */
  get searchable() {
    const { message, module, device_name, metadata } = this.log;
    return (this._searchable ??= [
      message,
      module,
      device_name,
      JSON.stringify(metadata),
    ]
      .join("\n")
      .toLowerCase());
  }

  /** What is the same of a log that was told and of the same log in the history, which may cut times to milliseconds. */
  get identity() {
    const { device_id, level, module, type, message, metadata } = this.log;
    return (this._identity ??= canonical([
      this.time,
      ...[device_id, level, module, type, message, metadata],
    ]));
  }
}

/** A list that lets go of the oldest, where there are too many. */
class Bounded {
  constructor() {
    this.items = [];
    this._size = 0;
  }

  get isFull() {
    return this.items.length >= MAX_LOGS || this._size >= MAX_SIZE;
  }

  /** Add items at the end, and return how many logs had to go. */
  push(items) {
    for (const item of items) {
      this.items.push(item);
      this._size += item.size ?? 0;
    }
    let gone = 0;
    while (
      this.items.length - gone > MAX_LOGS ||
      (this._size > MAX_SIZE && gone < this.items.length)
    )
      this._size -= this.items[gone++].size ?? 0;
    return this.items
      .splice(0, gone)
      .reduce((count, item) => count + (item.log ? 1 : (item.leftOut ?? 0)), 0);
  }

  unshift(items) {
    this.items.unshift(...items);
    for (const item of items) this._size += item.size;
  }

  remove(item) {
    this.items.splice(this.items.indexOf(item), 1);
    this._size -= item.size;
  }
}

export class Logs {
  /** Whether new logs wait until they are shown. */
  isHeld = false;

  /** Counts the changes of what is shown. */
  revision = 0;

  constructor() {
    this._life = null;
    this._last = 0;
    this._reset([]);
  }

  _reset(items) {
    this._shown = new Bounded();
    this._shown.push(items);
    this._waiting = new Bounded();
    this._waitingLeftOut = 0;
    this.forgetHistory();
  }

  /**
   * Take what Home Assistant tells first. Where logs are missing since the last time, only those are kept that were told now:
   * the others are in the history.
   */
  begin({ life, first_number, logs }) {
    const isRestarted = this._life !== null && this._life !== life;
    if (this._life !== life || first_number > this._last + 1) {
      this._reset(isRestarted ? [{ isRestart: true }] : []);
      this._last = 0;
    }
    this._life = life;
    const missing = logs.filter(({ number }) => number > this._last);
    if (isRestarted) this._append(missing.map((log) => new LogItem(log)));
    else this.add({ logs: missing, left_out: 0 });
    this._last = Math.max(this._last, first_number - 1);
  }

  /** Take more logs, in front of which some may have been left out. */
  add({ logs, left_out }) {
    if (!logs.length && !left_out) return;
    if (logs.length) this._last = logs[logs.length - 1].number;
    const items = logs.map((log) => new LogItem(log));
    for (const item of items) this._removeFromHistory(item);
    if (this.isHeld) {
      if (left_out) items.unshift({ leftOut: left_out });
      this._waitingLeftOut += this._waiting.push(items);
    } else {
      this._append(items, left_out);
    }
  }

  /** Show new logs as they come, those that have waited first. */
  release() {
    this.isHeld = false;
    const { items } = this._waiting;
    this._append(items, this._waitingLeftOut);
    this._waiting = new Bounded();
    this._waitingLeftOut = 0;
  }

  _append(items, leftOut = 0) {
    this.revision += 1;
    const last = this._shown.items[this._shown.items.length - 1];
    if (leftOut && last?.leftOut) last.leftOut += leftOut;
    else if (leftOut) this._shown.push([{ leftOut }]);
    if (this._shown.push(items)) {
      // It would not be what came right before any more.
      this.forgetHistory();
    }
  }

  /** A log that Home Assistant has caught up may have been read from the history before it was told. */
  _removeFromHistory(item) {
    const { items } = this._history;
    if (!items.length || item.time > items[items.length - 1].time) return;
    const same = items.findLast(({ identity }) => identity === item.identity);
    if (!same) return;
    this._history.remove(same);
    this.revision += 1;
  }

  /** Return how many of the logs that wait match a filter, and those that had to go. */
  countWaiting(filter) {
    return this._waiting.items.reduce(
      (count, item) =>
        count + (item.leftOut ?? (filter.matches(item) ? 1 : 0)),
      this._waitingLeftOut,
    );
  }

  /** Return what is shown, oldest first: items with a `log`, or with the number `leftOut`, or with `isRestart`. */
  shown(filter) {
    const matches = (item) => filter.matches(item);
    return [
      ...this._history.items.filter(matches),
      ...this._shown.items.filter(matches),
    ];
  }

  /** Return the names of the modules that have logged. */
  modules() {
    const names = new Set();
    for (const { items } of [this._history, this._shown])
      for (const { log } of items) if (log?.module) names.add(log.module);
    return [...names].sort();
  }

  /** Whether no more of the history may be added. */
  get isHistoryFull() {
    return this._history.isFull;
  }

  /** Return until when the history is read next. */
  get before() {
    if (this.history.start !== null) return this.history.start;
    const times = this._shown.items
      .filter(({ log }) => log)
      .slice(0, TELLING)
      .map(({ time }) => time);
    // A day more, because this clock and that of Golioth may differ.
    const newest = times.length ? Math.max(...times) : Date.now() + 86_400_000;
    return new Date(newest).toISOString();
  }

  /** Take a page of the history, the end of which may overlap with what is shown live. */
  addHistory({ logs, start, more, complete }) {
    const page = logs.map((log) => new LogItem(log));
    const newest = page[page.length - 1]?.time;
    const known = new Map();
    for (const { items } of [this._shown, this._waiting])
      for (const item of items)
        if (item.log && item.time <= newest)
          known.set(item.identity, (known.get(item.identity) ?? 0) + 1);
    const items = page
      // From the newest, which are those that overlap.
      .reverse()
      .filter(({ identity }) => {
        const count = known.get(identity) ?? 0;
        known.set(identity, count - 1);
        return count <= 0;
      })
      .reverse();
    this._history.unshift(items);
    this.history.start = start;
    this.history.hasMore = more;
    this.history.isComplete &&= complete;
    this.revision += 1;
  }

  /** Let go of the history, to read it anew. */
  forgetHistory() {
    this._history = new Bounded();
    /**
     * What is known of it, another object each time that it begins anew: until when it has been read, whether there is more, and
     * whether Golioth has given all.
     */
    this.history = { start: null, hasMore: true, isComplete: true };
    this.revision += 1;
  }
}
