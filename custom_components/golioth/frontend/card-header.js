/** Shows the card's header: title, status and two buttons. */

import { element, iconButton, nameButton, setText } from "./elements.js";

/** @import { Language } from "./language.js" */

/**
 * The card's state, as the header shows it.
 * @typedef {object} CardState
 * @property {string | undefined} title
 * @property {boolean} isPaused
 * @property {boolean} isConnected
 * @property {number} leftOut The number of logs left out of the view.
 */

// Milliseconds for which the header reports that logs were copied.
const COPIED_TIME = 4000;

export class CardHeader {
  /**
   * @param {() => void} onPause
   * @param {() => void} onCopy
   */
  constructor(onPause, onCopy) {
    this._title = element("h2");
    this._status = element("span", { class: "status", role: "status" });
    this._pause = iconButton("mdi:pause", onPause);
    this._copy = iconButton("mdi:content-copy", onCopy);
    this.element = element(
      "header",
      {},
      ...[this._title, this._status, this._pause, this._copy],
    );
    this._copied = "";
    /** @type {number | undefined} */
    this._timer = undefined;
  }

  /** Focus the pause button. */
  focus() {
    this._pause.focus();
  }

  /**
   * @param {CardState} state
   * @param {Language} language
   */
  show({ title, isPaused, isConnected, leftOut }, language) {
    setText(this._title, title || language.text("name"));
    nameButton(this._copy, language.text("copy"));
    nameButton(this._pause, language.text(isPaused ? "resume" : "pause"));
    const icon = isPaused ? "mdi:play" : "mdi:pause";
    this._pause.firstElementChild?.setAttribute("icon", icon);
    let status = this._copied;
    if (!isConnected) status = language.text("no_connection");
    else if (!status && isPaused) status = language.text("paused");
    else if (!status && leftOut) status = language.count("left_out", leftOut);
    setText(this._status, status);
  }

  /**
   * Report for a while whether the logs were copied.
   * @param {string} text
   * @param {() => void} render Called when the header has to be shown again.
   */
  reportCopied(text, render) {
    this._copied = text;
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      this._copied = "";
      render();
    }, COPIED_TIME);
    render();
  }

  /** Stop reporting what was copied. */
  stop() {
    clearTimeout(this._timer);
    this._copied = "";
  }
}
