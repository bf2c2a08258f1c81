/** Loads earlier logs: which page when, and what is done where that fails. */

/** @import { HistoryPage } from "./log-source.js" */
/** @import { Logs } from "./logs.js" */

// Pages of the history that are read by themselves, until the user scrolls up or asks
// for more: where few logs match the filters, the first log stays in view.
const MOST_PAGES = 5;

// In milliseconds, after earlier logs could not be read: twice as long each time. After
// so many times in a row, only the user has it tried again.
const RETRY_DELAY = 5000;
const LONGEST_RETRY_DELAY = 300000;
const MOST_FAILURES = 8;

/**
 * What the loader asks of the card.
 * @typedef {object} HistoryView
 * @property {Logs} logs The logs that the card knows now.
 * @property {boolean} canLoad Whether there may be earlier logs that can be read now.
 * @property {boolean} isAtTop Whether the first log is in view.
 * @property {(before: string) => Promise<HistoryPage>} readPage Reads a page of earlier
 *   logs.
 * @property {(error: any) => Promise<string>} explain Returns why a page could not be
 *   read.
 * @property {() => void} onLoading Called when a page is about to be read.
 * @property {() => void} onLoaded Called when no page is being read any more.
 */

export class HistoryLoader {
  /** @param {HistoryView} view */
  constructor(view) {
    /**
     * Why earlier logs could not be read. It stays as long as it is only tried again.
     */
    this.error = "";
    this._view = view;
    /**
     * The request for earlier logs, if there is one: never are there two.
     * @type {object | null}
     */
    this._loading = null;
    /** How often in a row earlier logs could not be read. */
    this._failures = 0;
    /** Pages that may still be read by themselves. */
    this._pagesLeft = MOST_PAGES;
    /**
     * As long as it runs, no page is read by itself.
     * @type {number | undefined}
     */
    this._timer = undefined;
  }

  get isLoading() {
    return this._loading !== null;
  }

  /**
   * Whether earlier logs could not be read so often that only the user has it tried
   * again.
   */
  get hasGivenUp() {
    return this._failures >= MOST_FAILURES;
  }

  /** Let nothing be read by itself any more. */
  stop() {
    clearTimeout(this._timer);
    this._timer = undefined;
  }

  /** Forget what is being read, which is of logs that nobody wants any more. */
  abandon() {
    this._loading = null;
  }

  /**
   * Let pages be read by themselves, after some milliseconds.
   * @param {number} delay
   */
  lookForEarlier(delay) {
    this.allowPages();
    this.error = "";
    this._failures = 0;
    this._loadLater(delay);
  }

  /** Let as many pages be read by themselves as at first. */
  allowPages() {
    this._pagesLeft = MOST_PAGES;
  }

  /** Read a page where the first log is in view, but not for ever. */
  loadAtTop() {
    if (
      this._pagesLeft &&
      !this.hasGivenUp &&
      this._timer === undefined &&
      this._view.isAtTop
    )
      this.load();
  }

  /** Read a page, if that is possible, and nothing is being read. */
  async load() {
    if (this.isLoading || !this._view.canLoad) return;
    const loading = (this._loading = {});
    const { logs } = this._view;
    const { history } = logs;
    // Whether it is of the same project and the same filters.
    const isWanted = () => this._view.logs === logs && logs.history === history;
    this._view.onLoading();
    try {
      const page = await this._view.readPage(logs.beginPage());
      if (isWanted()) {
        logs.addHistory(page);
        this._pagesLeft = Math.max(0, this._pagesLeft - 1);
        this.error = "";
        this._failures = 0;
      }
    } catch (error) {
      const reason = await this._view.explain(error);
      if (isWanted()) this._onError(reason);
    } finally {
      if (this._loading === loading) {
        this._loading = null;
        this._view.onLoaded();
      }
    }
  }

  /** @param {string} reason */
  _onError(reason) {
    this.error = reason;
    const delay = RETRY_DELAY * 2 ** this._failures;
    this._failures += 1;
    if (!this.hasGivenUp) this._loadLater(Math.min(delay, LONGEST_RETRY_DELAY));
  }

  /** @param {number} delay */
  _loadLater(delay) {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      this._timer = undefined;
      this.loadAtTop();
    }, delay);
  }
}
