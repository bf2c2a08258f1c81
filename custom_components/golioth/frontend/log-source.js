/** Where the logs come from: Home Assistant's WebSocket API. */

/** @import { Connection } from "../../../types/home-assistant.js" */
/** @import { HistoryRequest } from "./log-filter.js" */

/**
 * A page of the history.
 * @typedef {object} HistoryPage
 * @property {unknown[]} logs From the oldest.
 * @property {string} start Until when the history is to be read next.
 * @property {boolean} more Whether there is more.
 * @property {boolean} complete Whether Golioth has given all logs of this time.
 */

/**
 * What Home Assistant tells: at first which logs it has, then more of them.
 * @typedef {object} LogMessage
 * @property {any[]} logs
 * @property {number} [left_out] How many logs are missing in front of these.
 * @property {boolean} [more] Whether there is another piece of the beginning.
 * @property {boolean} [removed] Whether the project is not there any more.
 * @property {string} [session] Which run of Home Assistant it is, at the beginning alone.
 * @property {string} [config_entry_id] The entry that the project has now.
 * @property {number} [first_number] The number of the first log that it has.
 */

/**
 * @typedef {object} LogListener
 * @property {(message: LogMessage) => void} onLogs
 * @property {(code: string | null) => void} onError Null where there is no error any
 *   more.
 * @property {(isConnected: boolean) => void} onConnection
 */

// In milliseconds: while Home Assistant starts, it does not know the command yet.
const START_DELAY = 2000;
const UNKNOWN_COMMAND = "unknown_command";

// What else may change by itself: one of too many views may go, also one of a connection
// that was lost, which is noticed later, the user may be given the permission, and a
// project be added again. Other mistakes stay, and may be in Home Assistant's log each
// time.
const REFUSED_DELAY = 15000;
const NOT_FOUND = "not_found";
const CHANGING = ["too_many", "unauthorized", NOT_FOUND];

// The logs of one answer.
const PAGE = 200;

/**
 * By connection, what is read of the history, and waits for that: Home Assistant reads
 * one page for each at a time.
 * @type {WeakMap<Connection, Promise<unknown>>}
 */
const reading = new WeakMap();

/**
 * Return what `read` does, when nothing else is read any more.
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
   * @param {string[]} deviceIds The devices; all of them, where there is none.
   * @param {LogListener} listener
   */
  constructor(connection, configEntryId, deviceIds, listener) {
    this._connection = connection;
    this._configEntryId = configEntryId;
    this._deviceIds = deviceIds;
    this._listener = listener;
    /**
     * The subscription that counts: the last.
     * @type {object | null}
     */
    this._turn = null;
    /** @type {(() => Promise<void>) | null} */
    this._unsubscribe = null;
    /** @type {number | undefined} */
    this._retry = undefined;
    /**
     * What Home Assistant has told of the logs that it has, as long as there is more.
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
    this._turn = null;
    clearTimeout(this._retry);
    this._connection.removeEventListener("ready", this._onReady);
    this._connection.removeEventListener("disconnected", this._onDisconnected);
    this._end(this._unsubscribe);
  }

  _whenReady() {
    // It went with the connection that was lost.
    this._unsubscribe = null;
    this._listener.onConnection(true);
    this._subscribe();
  }

  _whenDisconnected() {
    clearTimeout(this._retry);
    this._listener.onConnection(false);
  }

  /**
   * Subscribe, also by itself after a lost connection, because Home Assistant may not
   * be ready to answer then. What was asked for meanwhile, the connection may have kept
   * until it was back: then that is one too many.
   */
  async _subscribe() {
    clearTimeout(this._retry);
    const turn = (this._turn = {});
    // Of a project that was removed, nothing comes any more.
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
          if (this._turn === turn) this._take(message);
        },
        request,
        { resubscribe: false },
      );
      if (this._turn !== turn) {
        this._end(unsubscribe);
        return;
      }
      this._unsubscribe = unsubscribe;
      this._listener.onError(null);
    } catch (/** @type {any} */ error) {
      if (this._turn !== turn) return;
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
   * Pass a message on. What Home Assistant tells first comes in pieces, which are one
   * to the listener: so nothing is shown that is about to move. Where logs were left
   * out of it, it begins after these: what is before is in the history.
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
   * End a subscription, which went with the connection where that is lost.
   * @param {(() => Promise<void>) | null} unsubscribe
   */
  async _end(unsubscribe) {
    try {
      await unsubscribe?.();
    } catch {
      // Nothing is left to end.
    }
  }

  /**
   * Return a page of the history that ends at a time, after what other cards read.
   * Rejects with what Home Assistant says, which is no message without a connection.
   * @param {HistoryRequest} request
   * @param {string} before
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
