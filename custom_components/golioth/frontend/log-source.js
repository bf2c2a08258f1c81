/** Where the logs come from: Home Assistant's WebSocket API. */

// In milliseconds: while Home Assistant starts, it does not know the command yet.
const RETRY_DELAY = 2000;
const UNKNOWN_COMMAND = "unknown_command";

// The logs of one answer.
const PAGE = 200;

export class LogSource {
  /**
   * @param connection The connection to Home Assistant.
   * @param configEntryId The project.
   * @param deviceIds The devices; all of them, where there is none.
   * @param listener Has `onLogs`, which is called with each message, `onError`, with the code of an error, or null where there is
   *   none any more, and `onConnection`, with whether Home Assistant can be reached.
   */
  constructor(connection, configEntryId, deviceIds, listener) {
    this._connection = connection;
    this._configEntryId = configEntryId;
    this._deviceIds = deviceIds;
    this._listener = listener;
    /** The subscription that counts: the last. */
    this._turn = null;
    this._unsubscribe = null;
    this._retry = null;
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

  _onReady = () => {
    // It went with the connection that was lost.
    this._unsubscribe = null;
    this._listener.onConnection(true);
    this._subscribe();
  };

  _onDisconnected = () => {
    clearTimeout(this._retry);
    this._listener.onConnection(false);
  };

  /**
   * Subscribe, also by itself after a lost connection, because Home Assistant may not be ready to answer then. What was asked for
   * meanwhile, the connection may have kept until it was back: then that is one too many.
   */
  async _subscribe() {
    clearTimeout(this._retry);
    const turn = (this._turn = {});
    const request = {
      type: "golioth/logs/subscribe",
      config_entry_id: this._configEntryId,
    };
    if (this._deviceIds.length) request.device_ids = this._deviceIds;
    try {
      const unsubscribe = await this._connection.subscribeMessage(
        (message) => {
          if (this._turn === turn) this._listener.onLogs(message);
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
    } catch (error) {
      if (this._turn !== turn) return;
      if (error?.code === UNKNOWN_COMMAND)
        this._retry = setTimeout(() => this._subscribe(), RETRY_DELAY);
      else if (error?.code) this._listener.onError(error.code);
    }
  }

  /** End a subscription, which went with the connection where that is lost. */
  async _end(unsubscribe) {
    try {
      await unsubscribe?.();
    } catch {
      // Nothing is left to end.
    }
  }

  /** Return a page of logs that were, until a time. Rejects with what Home Assistant says, which is no message without a connection. */
  history(request, before) {
    return this._connection.sendMessagePromise({
      type: "golioth/logs/history",
      config_entry_id: this._configEntryId,
      ...request,
      before,
      limit: PAGE,
    });
  }
}
