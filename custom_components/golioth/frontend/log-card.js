/** Defines the card that shows logs. */

import { CardHeader } from "./card-header.js";
import { copyText, table } from "./clipboard.js";
import {
  checkConfiguration,
  configurationForm,
  firstConfiguration,
} from "./configuration.js";
import { element, setText } from "./elements.js";
import { FilterBar } from "./filter-bar.js";
import { HistoryLoader } from "./history-loader.js";
import { Language, loadTexts, pageLanguage } from "./language.js";
import { ListTop } from "./list-top.js";
import { LogFilter } from "./log-filter.js";
import { LogList } from "./log-list.js";
import { LogRow } from "./log-row.js";
import { LogSource } from "./log-source.js";
import { Logs } from "./logs.js";
import {
  deviceNames,
  devicesToAskFor,
  disabledDevices,
  offeredDevices,
} from "./project-devices.js";
import { reasonText, troubleText } from "./reason.js";
import { RenderSchedule } from "./render-schedule.js";
import { STYLES } from "./styles.js";
import { TimeFormat } from "./times.js";

/** @import { Configuration } from "./configuration.js" */
/** @import { Wanted } from "./log-filter.js" */
/** @import { LogMessage } from "./log-source.js" */
/** @import { HomeAssistant } from "../../../types/home-assistant.js" */

// New logs that a screen reader reads at once; in a storm it would read nothing else.
const READ_ALOUD = 5;

// Milliseconds after a change of the filter: the user may still be typing.
const FILTER_DELAY = 300;

export class LogCard extends HTMLElement {
  static getConfigForm() {
    return configurationForm();
  }

  /** @param {HomeAssistant} hass */
  static getStubConfig(hass) {
    return firstConfiguration(hass);
  }

  constructor() {
    super();
    /**
     * Set by Home Assistant, like `_hass`, before anything is shown.
     * @type {Configuration}
     */
    this._config = /** @type {any} */ (null);
    /** @type {HomeAssistant} */
    this._hass = /** @type {any} */ (null);
    this._language = pageLanguage();
    /**
     * Set together with `_hass`.
     * @type {TimeFormat}
     */
    this._times = /** @type {any} */ (null);
    /** @type {LogSource | null} */
    this._source = null;
    this._filter = new LogFilter({});
    this._logs = new Logs(this._filter);
    /** @type {Wanted} */
    this._wanted = {};
    /** The ID of the project's config entry. */
    this._entryId = "";
    /** The names of the project's devices, as JSON to compare. */
    this._names = "";
    /** The devices that were disabled when the subscription began. */
    this._disabled = "";
    /**
     * Why there are no logs: an error code, or `choose_project`.
     * @type {string | null}
     */
    this._trouble = null;
    this._isConnected = true;
    this._isPaused = false;
    this._isScrolledUp = false;
    /** Whether an open log is in the list's view. */
    this._isReading = false;
    this._history = new HistoryLoader(this);
    this._shownRevision = -1;
    this._rendering = new RenderSchedule(() => this._render());
    this._newLogs = 0;
    this._hasLogs = false;
    this._leftOut = 0;

    this._header = new CardHeader(
      () => this._togglePause(),
      () => this._copyLogs(),
    );
    this._filters = new FilterBar(this._language, (wanted) =>
      this._onFilter(wanted),
    );
    this._top = new ListTop(() => this._loadMore());
    this._empty = element("div", { class: "empty" });
    this._scroller = element(
      "div",
      { class: "logs", role: "log" },
      this._top.element,
    );
    this._list = new LogList(
      this._scroller,
      this._top.element,
      () => new LogRow(this._language, this._times),
    );
    this._newest = element("button", { type: "button", class: "newest" });
    this._newest.addEventListener("click", () => this._goToNewest());
    this._resizes = new ResizeObserver(() => {
      this._list.resize();
      if (!this._logs.isHeld) this._list.scrollToBottom();
    });
    this._root = this.attachShadow({ mode: "open" });
    this._build();
  }

  // Home Assistant's interface of a card

  /** @param {Configuration} config */
  setConfig(config) {
    checkConfiguration(config);
    const old = this._config;
    /** @param {(keyof Configuration)[]} keys */
    const isOther = (...keys) =>
      keys.some(
        (key) => JSON.stringify(old?.[key]) !== JSON.stringify(config[key]),
      );
    this._config = config;
    if (isOther("config_entry_id")) this._entryId = config.config_entry_id;
    if (isOther("minimum_level", "modules")) this._applyFilter();
    if (old === null || isOther("config_entry_id", "device_ids"))
      this._restart();
    this._schedule();
  }

  /** @param {HomeAssistant} hass */
  set hass(hass) {
    /** @type {HomeAssistant | null} */
    const old = this._hass;
    this._hass = hass;
    // Set with every change of a state, so that only what differs is done.
    const isOtherLocale =
      old?.locale !== hass.locale ||
      old.config.time_zone !== hass.config.time_zone;
    if (isOtherLocale) {
      this._setLocale();
      this._loadTexts();
    }
    if (old?.connection !== hass.connection) this._restart();
    else if (old.devices !== hass.devices) this._onDevices();
    else if (isOtherLocale) this._offerDevices();
  }

  getCardSize() {
    return 9;
  }

  getGridOptions() {
    return { columns: "full", rows: 8, min_columns: 6, min_rows: 4 };
  }

  connectedCallback() {
    this._resizes.observe(this._scroller);
    this._restart();
  }

  disconnectedCallback() {
    this._resizes.disconnect();
    this._stop();
  }

  _build() {
    this._scroller.addEventListener("scroll", () => this._onScroll(), {
      passive: true,
    });
    this._scroller.addEventListener("click", (event) => this._onClick(event));
    this._scroller.addEventListener("keydown", (event) => this._onKey(event));
    this._scroller.addEventListener("focusin", (event) => {
      const button = lineOf(event);
      if (button) this._list.focused(button);
      this._updateHold();
    });
    this._scroller.addEventListener("focusout", () => this._updateHold());
    const style = element("style");
    setText(style, STYLES);
    const view = element(
      "div",
      { class: "view" },
      ...[this._scroller, this._empty, this._newest],
    );
    this._root.append(
      style,
      element(
        "ha-card",
        {},
        ...[this._header.element, this._filters.element, view],
      ),
    );
  }

  _setLocale() {
    this._language = new Language(this._hass.locale.language);
    this._times = new TimeFormat(
      this._hass.locale,
      this._hass.config.time_zone,
    );
    this._filters.setLanguage(this._language);
    this._offerModules();
    this._scroller.setAttribute("aria-label", this._language.text("name"));
    this._list.renew();
    this._schedule();
  }

  /** Show texts in the user's language once loaded. */
  async _loadTexts() {
    const { connection, locale } = this._hass;
    const isNew = await loadTexts(connection, locale.language);
    if (!isNew || locale.language !== this._hass.locale.language) return;
    this._setLocale();
    this._offerDevices();
  }

  _offerDevices() {
    this._nameDevices();
    const configured = this._config?.device_ids ?? [];
    this._filters.setDevices(
      offeredDevices(this._hass, this._entryId, configured),
    );
  }

  /** Give devices Home Assistant's names, also in earlier logs. */
  _nameDevices() {
    const names = deviceNames(this._hass, this._entryId);
    const key = JSON.stringify([...names]);
    if (key === this._names) return;
    this._names = key;
    this._logs.nameDevices(names);
    this._schedule();
  }

  /**
   * React to changed devices.
   *
   * A device that was disabled or enabled changes which logs are shown, and a removed
   * project may have been added again.
   */
  _onDevices() {
    const disabled = disabledDevices(this._hass, this._entryId);
    const isOther = disabled !== this._disabled;
    if (isOther || this._trouble === "not_found") this._restart();
    else this._offerDevices();
  }

  /**
   * Store the project's current config entry.
   *
   * It differs from the configured one where that was removed.
   * @param {string | undefined} entryId
   */
  _setEntry(entryId) {
    if (!entryId || entryId === this._entryId) return;
    this._entryId = entryId;
    this._disabled = disabledDevices(this._hass, this._entryId);
    this._offerDevices();
  }

  get _deviceIds() {
    return devicesToAskFor(this._hass, this._config.device_ids ?? []);
  }

  _offerModules() {
    const modules = this._config?.modules;
    /** @param {string} name */
    const isOffered = (name) => !modules?.length || modules.includes(name);
    this._filters.setModules(this._logs.modules().filter(isOffered));
  }

  // The logs' source

  _stop() {
    this._source?.stop();
    this._source = null;
    this._rendering.stop();
    this._header.stop();
    this._history.stop();
  }

  /** Restart, with another project, other devices or another connection. */
  _restart() {
    this._stop();
    if (!this.isConnected || !this._config || !this._hass) return;
    this._logs = new Logs(this._filter);
    this._names = "";
    this._history.abandon();
    this._lookAnew(0);
    this._isConnected = this._hass.connection.connected;
    this._disabled = disabledDevices(this._hass, this._entryId);
    const { config_entry_id } = this._config;
    this._trouble = config_entry_id ? null : "choose_project";
    if (config_entry_id) {
      this._source = new LogSource(
        ...[this._hass.connection, config_entry_id, this._deviceIds, this],
      );
      this._source.start();
    }
    this._offerDevices();
    this._schedule();
  }

  /** @param {LogMessage} message */
  onLogs(message) {
    this._updateHold();
    if (message.session !== undefined) {
      this._setEntry(message.config_entry_id);
      this._logs.begin(message);
    } else this._logs.add(message);
    this._newLogs += message.logs?.length ?? 0;
    this._schedule();
  }

  /** @param {string | null} code */
  onError(code) {
    this._trouble = code;
    this._schedule();
  }

  /** @param {boolean} isConnected */
  onConnection(isConnected) {
    this._isConnected = isConnected;
    if (isConnected) this._loadTexts();
    this._schedule();
  }

  // The view of the history loader

  get logs() {
    return this._logs;
  }

  get canLoad() {
    return (
      this._source !== null &&
      this._trouble === null &&
      this._isConnected &&
      // Before that, the end of the history to read is unknown.
      this._logs.isBegun &&
      this._logs.history.hasMore &&
      !this._logs.isHistoryFull
    );
  }

  get isAtTop() {
    return this._list.isAtTop;
  }

  /** @param {string} before */
  async readPage(before) {
    // Only called while `canLoad` is true, which needs a source.
    const source = /** @type {LogSource} */ (this._source);
    return source.history(this._filter.request(this._deviceIds), before);
  }

  /** @param {unknown} error */
  explain(error) {
    return reasonText(error, this._hass, this._language);
  }

  onLoading() {
    this._renderTop();
  }

  onLoaded() {
    this._schedule();
  }

  /** Read earlier logs at the user's request. */
  _loadMore() {
    this._history.lookForEarlier(0);
    this._history.load();
    this._schedule();
  }

  // The user's actions

  /** Hold new logs back while the user reads older ones. */
  _updateHold() {
    const isHeld =
      this._isPaused ||
      this._isScrolledUp ||
      this._isReading ||
      // Asked, because not every browser fires an event when the focused element goes.
      this._scroller.matches(":focus-within");
    if (isHeld === this._logs.isHeld) return;
    if (isHeld) this._logs.isHeld = true;
    else this._logs.release();
    this._schedule();
  }

  _togglePause() {
    this._isPaused = !this._isPaused;
    this._updateHold();
    this._schedule();
  }

  _goToNewest() {
    // The button disappears, and the focus would fall back to the page.
    this._header.focus();
    this._isPaused = this._isScrolledUp = this._isReading = false;
    this._updateHold();
    this._render();
    this._list.scrollToBottom();
  }

  _onScroll() {
    const isUp = this._list.takeScrolledUp();
    this._list.extend();
    if (this._list.isAtBottom) this._isScrolledUp = false;
    else if (isUp) this._isScrolledUp = true;
    else if (!this._logs.isHeld) this._list.scrollToBottom();
    this._isReading = this._isReading && this._list.hasOpen;
    this._updateHold();
    if (isUp) this._history.allowPages();
    this._history.loadAtTop();
  }

  /** @param {Wanted} wanted */
  _onFilter(wanted) {
    this._wanted = wanted;
    this._applyFilter();
  }

  _applyFilter() {
    this._filter = new LogFilter(this._config, this._wanted);
    this._logs.filterBy(this._filter);
    this._lookAnew(FILTER_DELAY);
    this._schedule();
  }

  /**
   * Show the newest logs; load earlier ones after a delay.
   * @param {number} delay Milliseconds.
   */
  _lookAnew(delay) {
    this._shownRevision = -1;
    this._isScrolledUp = this._isReading = false;
    this._updateHold();
    this._history.lookForEarlier(delay);
  }

  /** @param {Event} event */
  _onClick(event) {
    const button = lineOf(event);
    if (!button) return;
    this._list.toggle(button);
    this._isReading = this._list.hasOpen;
    this._isScrolledUp = !this._list.isAtBottom;
    this._updateHold();
  }

  /** @param {KeyboardEvent} event */
  _onKey(event) {
    /** @type {Record<string, number>} */
    const moves = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    const by = moves[event.key];
    if (by === undefined || !lineOf(event)) return;
    event.preventDefault();
    this._list.moveFocus(by);
  }

  async _copyLogs() {
    const logs = this._logs.shown().flatMap(({ log }) => (log ? [log] : []));
    const unreadable = this._language.text("unreadable");
    const isCopied = await copyText(table(logs, unreadable), this._root);
    this._header.reportCopied(
      isCopied
        ? this._language.count("copied", logs.length)
        : this._language.text("not_copied"),
      () => this._renderState(),
    );
  }

  // Rendering
  _schedule() {
    this._rendering.request();
  }

  _render() {
    if (!this._config || !this._hass) return;
    this._rendering.note();
    this._scroller.hidden = this._trouble !== null;
    this._renderList();
    this._renderTop();
    this._renderState();
    this._history.loadAtTop();
  }

  _renderList() {
    if (this._shownRevision === this._logs.revision) return;
    const { isHeld } = this._logs;
    const isAnew = this._shownRevision < 0;
    this._shownRevision = this._logs.revision;
    // Rows that only scroll into view are not new, and not read aloud.
    const isRead = !isHeld && !isAnew && this._newLogs <= READ_ALOUD;
    this._newLogs = 0;
    this._scroller.setAttribute("aria-live", isRead ? "polite" : "off");
    const items = this._logs.shown();
    this._list.show(items, isAnew || !isHeld);
    this._offerModules();
    this._hasLogs = items.some(({ log }) => log);
    this._leftOut = items.reduce((sum, item) => sum + (item.leftOut ?? 0), 0);
  }

  /** Show how far back the logs go. */
  _renderTop() {
    this._top.show(this._logs, this._history, this._language);
    const isHidden = !this._history.isLoading && !this.canLoad;
    if (isHidden && this._top.hasFocus) this._list.focus();
    this._top.hideButton(isHidden);
    this._top.element.hidden = !this._source || this._trouble !== null;
  }

  _renderState() {
    const language = this._language;
    this._header.show(
      {
        title: this._config.title,
        isPaused: this._isPaused,
        isConnected: this._isConnected,
        leftOut: this._leftOut,
      },
      language,
    );
    const count = this._logs.countWaiting();
    const isBehind = count > 0 || this._isScrolledUp;
    this._newest.hidden = !isBehind;
    setText(
      this._newest,
      count ? language.count("new_logs", count) : language.text("newest"),
    );
    this._empty.hidden = this._hasLogs && !this._trouble;
    setText(this._empty, this._whyEmpty());
  }

  _whyEmpty() {
    if (this._trouble === "choose_project")
      return this._language.text("choose_project");
    if (this._trouble) return troubleText(this._trouble, this._language);
    const isFiltered = Object.values(this._wanted).some(Boolean);
    return this._language.text(isFiltered ? "no_match" : "no_logs");
  }
}

/**
 * Return the button of the log that received an event.
 * @param {Event} event
 */
const lineOf = ({ target }) =>
  target instanceof Element ? target.closest(".line") : null;
