/** Subscribes to logs over Home Assistant's WebSocket API. */

/** @import { Connection } from "../../../types/home-assistant.js" */
/** @import { HistoryRequest } from "./log-filter.js" */

/**
 * A page of the history.
 * @typedef {object} HistoryPage
 * @property {unknown[]} logs Oldest first.
 * @property {string} start The end of the next page.
 * @property {boolean} more Whether there are earlier logs.
 * @property {boolean} complete Whether Golioth returned all logs of this time.
 */

/**
 * A message of the subscription, with recent or new logs.
 * @typedef {object} LogMessage
 * @property {any[]} logs
 * @property {number} [left_out] The number of logs missing in front of these.
 * @property {boolean} [more] Whether another piece of the recent logs follows.
 * @property {boolean} [removed] Whether the project was removed.
 * @property {string} [session] The run of Home Assistant that numbered the logs. In the
 *   first message only, like what follows.
 * @property {string} [config_entry_id] The project's current config entry.
 * @property {number} [first_number] The number of the first recent log.
 */

/**
 * @typedef {object} LogListener
 * @property {(message: LogMessage) => void} onLogs
 * @property {(code: string | null) => void} onError Null where the error is over.
 * @property {(isConnected: boolean) => void} onConnection
 */

// Milliseconds until the next try while Home Assistant, which is still starting, does
// not know the command yet.
const START_DELAY = 2000;
const UNKNOWN_COMMAND = "unknown_command";

// Errors that may end by themselves: another view closes, or its lost connection is
// noticed, the user gets the permission, or the project is added again. Others stay,
// and each try might add a line to Home Assistant's log.
const REFUSED_DELAY = 15000;
const NOT_FOUND = "not_found";
const CHANGING = ["too_many", "unauthorized", NOT_FOUND];

// The most logs of a page.
const PAGE = 200;

/**
 * The last request for the history, by connection.
 *
 * Home Assistant reads one page at a time for each connection.
 * @type {WeakMap<Connection, Promise<unknown>>}
 */
const reading = new WeakMap();

/**
 * Return the result of `read`, called after earlier reads.
 * @template Answer
 * @param {Connection} connection
 * @param {() => Promise<Answer>} read
 */
const inTurn = (connection, read) => {
  const answer = (reading.get(connection) ?? Promise.resolve()).then(read);
  reading.set(
    connection,
    answer.catch(() => {}),
  );
  return answer;
};

export class LogSource {
  /**
   * @param {Connection} connection
   * @param {string} configEntryId The project.
   * @param {string[]} deviceIds The devices; all of them where the list is empty.
   * @param {LogListener} listener
   */
  constructor(connection, configEntryId, deviceIds, listener) {
    this._connection = connection;
    this._configEntryId = configEntryId;
    this._deviceIds = deviceIds;
    this._listener = listener;
    /**
     * The last subscription; messages of others are ignored.
     * @type {object | null}
     */
    this._subscription = null;
    /** @type {(() => Promise<void>) | null} */
    this._unsubscribe = null;
    /** @type {number | undefined} */
    this._retry = undefined;
    /**
     * The pieces of the recent logs so far, until complete.
     * @type {LogMessage | null}
     */
    this._beginning = null;
    this._onReady = () => this._whenReady();
    this._onDisconnected = () => this._whenDisconnected();
  }

  start() {
    this._connection.addEventListener("ready", this._onReady);
    this._connection.addEventListener("disconnected", this._onDisconnected);
    this._subscribe();
  }

  stop() {
    this._subscription = null;
    clearTimeout(this._retry);
    this._connection.removeEventListener("ready", this._onReady);
    this._connection.removeEventListener("disconnected", this._onDisconnected);
    this._end(this._unsubscribe);
  }

  _whenReady() {
    // The lost connection ended the subscription.
    this._unsubscribe = null;
    this._listener.onConnection(true);
    this._subscribe();
  }

  _whenDisconnected() {
    clearTimeout(this._retry);
    this._listener.onConnection(false);
  }

  /**
   * Subscribe, also again after a lost connection.
   *
   * Not left to the connection, because Home Assistant may not be ready to answer then.
   * The connection may send a queued request once it is back: that subscription is one
   * too many, and is ended.
   */
  async _subscribe() {
    clearTimeout(this._retry);
    const subscription = (this._subscription = {});
    // A removed project's subscription no longer sends anything.
    this._end(this._unsubscribe);
    this._unsubscribe = null;
    this._beginning = null;
    /** @type {{ type: string, config_entry_id: string, device_ids?: string[] }} */
    const request = {
      type: "golioth/logs/subscribe",
      config_entry_id: this._configEntryId,
    };
    if (this._deviceIds.length) request.device_ids = this._deviceIds;
    try {
      const unsubscribe = await this._connection.subscribeMessage(
        (message) => {
          if (this._subscription === subscription) this._take(message);
        },
        request,
        { resubscribe: false },
      );
      if (this._subscription !== subscription) {
        this._end(unsubscribe);
        return;
      }
      this._unsubscribe = unsubscribe;
      this._listener.onError(null);
    } catch (/** @type {any} */ error) {
      if (this._subscription !== subscription) return;
      if (error?.code === UNKNOWN_COMMAND) this._subscribeAfter(START_DELAY);
      else if (error?.code) this._onRefused(error.code);
    }
  }

  /** @param {string} code */
  _onRefused(code) {
    this._listener.onError(code);
    if (CHANGING.includes(code)) this._subscribeAfter(REFUSED_DELAY);
  }

  /** @param {number} delay */
  _subscribeAfter(delay) {
    this._retry = setTimeout(() => this._subscribe(), delay);
  }

  /**
   * Pass a message to the listener, its first pieces joined.
   *
   * Recent logs come in pieces; joined, no log is shown that is about to move. Where
   * some of them were left out, they begin after the gap: earlier ones are in the
   * history.
   * @param {LogMessage} message
   */
  _take(message) {
    if (message.session !== undefined)
      this._beginning = { ...message, logs: [] };
    const beginning = this._beginning;
    if (message.removed) {
      this._onRefused(NOT_FOUND);
      return;
    }
    if (beginning === null) {
      this._listener.onLogs(message);
      return;
    }
    const { logs, left_out, more } = message;
    if (left_out && logs.length) {
      beginning.logs = [];
      beginning.first_number = logs[0].number;
    }
    for (const log of logs) beginning.logs.push(log);
    if (more) return;
    this._beginning = null;
    this._listener.onLogs(beginning);
  }

  /**
   * End a subscription.
   * @param {(() => Promise<void>) | null} unsubscribe
   */
  async _end(unsubscribe) {
    try {
      await unsubscribe?.();
    } catch {
      // A lost connection has ended it already.
    }
  }

  /**
   * Return a page of the history before a time.
   *
   * Waits for what other cards read. Rejects with Home Assistant's error, which has no
   * message where the connection is lost.
   * @param {HistoryRequest} request
   * @param {string} before The end of the page.
   * @returns {Promise<HistoryPage>}
   */
  history(request, before) {
    return inTurn(this._connection, () =>
      this._connection.sendMessagePromise({
        type: "golioth/logs/history",
        config_entry_id: this._configEntryId,
        ...request,
        before,
        limit: PAGE,
      }),
    );
  }
}
