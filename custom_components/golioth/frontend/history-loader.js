/** Decides when to load earlier logs, and retries after failures. */

/** @import { HistoryPage } from "./log-source.js" */
/** @import { Logs } from "./logs.js" */

// Pages of the history that are read automatically until the user scrolls up or asks
// for more: where few logs match the filters, the first log stays in view.
const MOST_PAGES = 5;

// Milliseconds until a failed page is read again, doubled each time. After this many
// failures in a row, only the user retries.
const RETRY_DELAY = 5000;
const LONGEST_RETRY_DELAY = 300000;
const MOST_FAILURES = 8;

/**
 * The card, as the loader uses it.
 * @typedef {object} HistoryView
 * @property {Logs} logs The logs that the card has now.
 * @property {boolean} canLoad Whether there may be earlier logs that can be read now.
 * @property {boolean} isAtTop Whether the first log is in view.
 * @property {(before: string) => Promise<HistoryPage>} readPage Reads a page of earlier
 *   logs.
 * @property {(error: any) => Promise<string>} explain Returns why a page could not be
 *   read.
 * @property {() => void} onLoading Called before a page is read.
 * @property {() => void} onLoaded Called once no page is being read.
 */

export class HistoryLoader {
  /** @param {HistoryView} view */
  constructor(view) {
    /**
     * Why earlier logs could not be read.
     *
     * Kept until a page is read, the user retries, or the logs are other ones.
     */
    this.error = "";
    this._view = view;
    /**
     * The request for earlier logs; at most one.
     * @type {object | null}
     */
    this._loading = null;
    /** Failures in a row. */
    this._failures = 0;
    /** Pages that may still be read automatically. */
    this._pagesLeft = MOST_PAGES;
    /**
     * While it runs, no page is read automatically.
     * @type {number | undefined}
     */
    this._timer = undefined;
  }

  get isLoading() {
    return this._loading !== null;
  }

  /**
   * Whether only the user can retry, after too many failures.
   */
  get hasGivenUp() {
    return this._failures >= MOST_FAILURES;
  }

  /** Cancel the next automatic page. */
  stop() {
    clearTimeout(this._timer);
    this._timer = undefined;
  }

  /** Ignore the page being read, which is no longer wanted. */
  abandon() {
    this._loading = null;
  }

  /**
   * Start reading pages automatically, after a delay.
   * @param {number} delay Milliseconds.
   */
  lookForEarlier(delay) {
    this.allowPages();
    this.error = "";
    this._failures = 0;
    this._loadLater(delay);
  }

  /** Reset the number of automatic pages. */
  allowPages() {
    this._pagesLeft = MOST_PAGES;
  }

  /** Read a page automatically if the first log is visible. */
  loadAtTop() {
    if (
      this._pagesLeft &&
      !this.hasGivenUp &&
      this._timer === undefined &&
      this._view.isAtTop
    )
      this.load();
  }

  /** Read a page, where possible and none is being read. */
  async load() {
    if (this.isLoading || !this._view.canLoad) return;
    const loading = (this._loading = {});
    const { logs } = this._view;
    const { history } = logs;
    // Meanwhile, the card may show another project or other filters.
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
