/**
 * Scrolls a list of many items.
 *
 * Only the items in view, and some on both sides of them, have rows.
 */

/** @import { LogRow } from "./log-row.js" */
/** @import { Item } from "./log-item.js" */
/** @typedef {{ item: Item, top: number }} Anchor An item, and the top of its row. */

import { lastIndex } from "./last-index.js";

// Numbers of rows: beyond the view while the newest logs are followed, added on one
// side by scrolling, and at most.
const BEYOND = 10;
const MORE = 60;
const MOST = 240;

// The lowest height of a row, in pixels.
const ROW_HEIGHT = 20;

// Distances in pixels that count as near an end, and as at an end.
const NEAR = 200;
const AT = 4;

/** @param {Item[]} items */
const lastLog = (items) => items[lastIndex(items, ({ log }) => log)] ?? null;

export class LogList {
  /**
   * @param {HTMLElement} scroller The scrolling element, with `top` and then the rows.
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
     * Rows by item, in the order of the items.
     * @type {Map<Item, LogRow>}
     */
    this._rows = new Map();
    /** @type {Item | null} */
    this._current = null;
    this._lastTop = 0;
    this._followed = BEYOND;
  }

  /** Adapt the number of rows to the list's height. */
  resize() {
    this._followed =
      Math.ceil(this._scroller.clientHeight / ROW_HEIGHT) + BEYOND;
    this.extend();
  }

  /** Whether the list is scrolled to its first item. */
  get isAtTop() {
    return this._start === 0 && this._scroller.scrollTop < NEAR;
  }

  /** Whether the list is scrolled to its last item. */
  get isAtBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this._scroller;
    return (
      this._end === this._items.length &&
      scrollHeight - scrollTop - clientHeight <= AT
    );
  }

  /** Whether a log with a row is open. */
  get hasOpen() {
    return [...this._rows.keys()].some(({ isOpen }) => isOpen);
  }

  /**
   * Return whether the list was scrolled up since asked last.
   *
   * Steps too small to count add up.
   */
  takeScrolledUp() {
    const { scrollTop } = this._scroller;
    const isUp = scrollTop < this._lastTop - AT;
    if (isUp || scrollTop > this._lastTop) this._lastTop = scrollTop;
    return isUp;
  }

  /**
   * Show a new list of items.
   * @param {Item[]} items
   * @param {boolean} isFollowing Whether to scroll to the newest. Otherwise, the items
   *   in view stay in place, as long as they are in the list.
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
    // Earlier items may have been added in front.
    this.extend();
  }

  /**
   * Add rows where the list is scrolled near their end.
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
   * Move the range of rows to include an item.
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
   * Move the focus by a number of logs.
   * @param {number} by Infinite for the first or the last log.
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

  /** Focus the log that is the tab stop. */
  focus() {
    const row = this._current && this._rows.get(this._current);
    row?.button.focus({ preventScroll: true });
  }

  /**
   * Remember the focused log as the arrow keys' position.
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

  /** Recreate all rows, after a change of language or times. */
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
      // Reused in order: in a storm, where all items are new, no row has to be moved.
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
   * Make the focused or the last log the tab stop.
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
   * Return the first item in view and its position.
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
   * Scroll a row back to its previous position.
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
