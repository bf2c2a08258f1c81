/**
 * The scrolling list: of many items, it has rows for those that are looked at, and some
 * more on both sides.
 */

/** @import { LogRow } from "./log-row.js" */
/** @import { Item } from "./log-item.js" */
/** @typedef {{ item: Item, top: number }} Anchor An item, and where its row is. */

import { lastIndex } from "./last-index.js";

// Rows: beyond those that are seen, when the newest are followed, when more are added
// on a side, and at most.
const BEYOND = 10;
const MORE = 60;
const MOST = 240;

// In pixels: no row is lower.
const ROW_HEIGHT = 20;

// In pixels: so near to a side is as good as there.
const NEAR = 200;
const AT = 4;

/** @param {Item[]} items */
const lastLog = (items) => items[lastIndex(items, ({ log }) => log)] ?? null;

export class LogList {
  /**
   * @param {HTMLElement} scroller The element that scrolls; it has the rows, and `top`
   *   in front of them.
   * @param {HTMLElement} top The element in front of the rows.
   * @param {() => LogRow} makeRow
   */
  constructor(scroller, top, makeRow) {
    this._scroller = scroller;
    this._top = top;
    this._makeRow = makeRow;
    /** @type {Item[]} */
    this._items = [];
    this._start = 0;
    this._end = 0;
    /**
     * By item, in their order.
     * @type {Map<Item, LogRow>}
     */
    this._rows = new Map();
    /** @type {Item | null} */
    this._current = null;
    this._lastTop = 0;
    this._followed = BEYOND;
  }

  /** Have rows for a list of another height. */
  resize() {
    this._followed =
      Math.ceil(this._scroller.clientHeight / ROW_HEIGHT) + BEYOND;
    this.extend();
  }

  /** Whether the first item has a row, and the list is scrolled up to it. */
  get isAtTop() {
    return this._start === 0 && this._scroller.scrollTop < NEAR;
  }

  /** Whether the last item has a row, and the list is scrolled down to it. */
  get isAtBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this._scroller;
    return (
      this._end === this._items.length &&
      scrollHeight - scrollTop - clientHeight <= AT
    );
  }

  /** Whether a log that has a row is open. */
  get hasOpen() {
    return [...this._rows.keys()].some(({ isOpen }) => isOpen);
  }

  /**
   * Whether it was scrolled up since this was asked last; steps that are too small to
   * tell add up.
   */
  takeScrolledUp() {
    const { scrollTop } = this._scroller;
    const isUp = scrollTop < this._lastTop - AT;
    if (isUp || scrollTop > this._lastTop) this._lastTop = scrollTop;
    return isUp;
  }

  /**
   * Show other items, the newest of them, or those that are looked at as long as they
   * are there.
   * @param {Item[]} items
   * @param {boolean} isFollowing
   */
  show(items, isFollowing) {
    const anchor = isFollowing ? undefined : this._anchor();
    const position = anchor ? items.indexOf(anchor.item) : -1;
    if (!anchor || position < 0) {
      this._items = items;
      this._end = items.length;
      this._start = Math.max(0, this._end - this._followed);
      this._renderRows();
      this.scrollToBottom();
      return;
    }
    const before = this._items.indexOf(anchor.item) - this._start;
    const count = this._end - this._start;
    this._items = items;
    this._start = Math.max(0, position - before);
    this._end = Math.min(
      items.length,
      this._start + Math.max(count, this._followed),
    );
    this._renderRows();
    this._restore(anchor);
    // There may be earlier ones now.
    this.extend();
  }

  /**
   * Have rows for more items, where the list is scrolled near to the end of those that
   * there are.
   */
  extend() {
    const { scrollHeight, scrollTop, clientHeight } = this._scroller;
    const isNearTop = scrollTop < NEAR && this._start > 0;
    const isNearBottom =
      scrollHeight - scrollTop - clientHeight < NEAR &&
      this._end < this._items.length;
    if (!isNearTop && !isNearBottom) return;
    const anchor = this._anchor();
    if (isNearTop) this._include(Math.max(0, this._start - MORE));
    else this._include(Math.min(this._items.length, this._end + MORE) - 1);
    this._renderRows();
    this._restore(anchor);
  }

  /**
   * Move the bounds of what has rows, so that an item has one.
   * @param {number} index
   */
  _include(index) {
    if (index < this._start) {
      this._start = index;
      this._end = Math.min(this._end, index + MOST);
    } else if (index >= this._end) {
      this._end = index + 1;
      this._start = Math.max(this._start, this._end - MOST);
    }
  }

  /** Scroll down to the newest log. */
  scrollToBottom() {
    this._scroller.scrollTop = this._scroller.scrollHeight;
    this._lastTop = this._scroller.scrollTop;
  }

  /**
   * Move the focus by some logs, or to the first or last one with an infinite number.
   * @param {number} by
   */
  moveFocus(by) {
    const logs = this._items.filter(({ log }) => log);
    const index = logs.findIndex((each) => each === this._current) + by;
    const item = logs[Math.min(Math.max(index, 0), logs.length - 1)];
    if (item === undefined) return;
    this._current = item;
    this._include(this._items.indexOf(item));
    this._renderRows();
    const row = this._rows.get(item);
    row?.button.focus({ preventScroll: true });
    row?.element.scrollIntoView({ block: "nearest" });
  }

  /** Give the log that the tab key stops at the focus. */
  focus() {
    const row = this._current && this._rows.get(this._current);
    row?.button.focus({ preventScroll: true });
  }

  /**
   * Remember the log with a focus, from which the arrow keys go on.
   * @param {Element} button
   */
  focused(button) {
    for (const [item, row] of this._rows)
      if (row.button === button) this._current = item;
    this._setTabStop();
  }

  /**
   * Open or close a log.
   * @param {Element} button
   */
  toggle(button) {
    for (const [item, row] of this._rows) {
      if (row.button !== button) continue;
      item.isOpen = !item.isOpen;
      row.showDetails();
      row.element.scrollIntoView({ block: "nearest" });
    }
  }

  /** Make all rows anew: the language or the times have changed. */
  renew() {
    for (const { element } of this._rows.values()) element.remove();
    this._rows.clear();
    this._renderRows();
  }

  _renderRows() {
    const items = this._items.slice(this._start, this._end);
    const wanted = new Set(items);
    const rows = this._rows;
    /** @type {LogRow[]} */
    const free = [];
    for (const [item, row] of rows) if (!wanted.has(item)) free.push(row);
    this._rows = new Map();
    /** @type {Element} */
    let last = this._top;
    let logBefore = lastLog(this._items.slice(0, this._start));
    for (const item of items) {
      // From the first, so that in a storm, when all are other ones, no row has to be
      // moved.
      const row = rows.get(item) ?? free.shift() ?? this._makeRow();
      this._rows.set(item, row);
      row.show(item, logBefore);
      if (item.log) logBefore = item;
      if (last.nextSibling !== row.element) last.after(row.element);
      last = row.element;
    }
    for (const { element } of free) element.remove();
    this._setTabStop();
  }

  /**
   * Have one log that the tab key stops at: the last, or, as long as one has the focus,
   * that one.
   */
  _setTabStop() {
    if (
      !this._current ||
      !this._rows.has(this._current) ||
      !this._scroller.matches(":focus-within")
    )
      this._current = lastLog(this._items.slice(this._start, this._end));
    for (const [item, { button }] of this._rows)
      button.tabIndex = item === this._current ? 0 : -1;
  }

  /**
   * Return the first item that is seen, and where its row is.
   * @returns {Anchor | undefined}
   */
  _anchor() {
    const { top } = this._scroller.getBoundingClientRect();
    for (const item of this._items.slice(this._start, this._end)) {
      const place = this._rows.get(item)?.element.getBoundingClientRect();
      if (place && place.bottom > top) return { item, top: place.top };
    }
    return undefined;
  }

  /**
   * Scroll so that a row is where it was.
   * @param {Anchor | undefined} anchor
   */
  _restore(anchor) {
    const row = anchor && this._rows.get(anchor.item);
    if (anchor && row)
      this._scroller.scrollTop +=
        row.element.getBoundingClientRect().top - anchor.top;
    this._lastTop = this._scroller.scrollTop;
  }
}
