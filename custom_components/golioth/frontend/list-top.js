/** Shows how far back the logs go, above the first. */

import { element, setText } from "./elements.js";

/** @import { HistoryLoader } from "./history-loader.js" */
/** @import { Language, TextKey } from "./language.js" */
/** @import { Logs } from "./logs.js" */

export class ListTop {
  /** @param {() => void} onLoad Called when the user wants earlier logs. */
  constructor(onLoad) {
    this._text = element("span");
    this._load = element("button", { type: "button", class: "text" });
    this._load.addEventListener("click", onLoad);
    this.element = element(
      "div",
      { class: "top" },
      this._text,
      " ",
      this._load,
    );
  }

  /** Whether the button that loads earlier logs has the focus. */
  get hasFocus() {
    return this._load.matches(":focus");
  }

  /**
   * @param {Logs} logs
   * @param {HistoryLoader} loader
   * @param {Language} language
   */
  show({ history, isHistoryFull }, loader, language) {
    const { isLoading, hasGivenUp, error: reason } = loader;
    /** @type {TextKey[]} */
    const texts = history.isComplete ? [] : ["incomplete"];
    if (history.hasMore && isHistoryFull) texts.push("full");
    else if (!history.hasMore && history.isComplete) texts.push("beginning");
    let text = texts.map((each) => language.text(each)).join(" · ");
    if (reason) text = language.text("not_loaded", { reason });
    if (hasGivenUp) text = language.text("given_up", { reason });
    setText(this._text, text);
    /** @type {TextKey} */
    let label = isLoading ? "loading" : "load_earlier";
    if (reason || hasGivenUp) label = "try_again";
    setText(this._load, language.text(label));
    // Not hidden while it loads, or it would lose the focus.
    this._load.setAttribute("aria-disabled", `${isLoading}`);
  }

  /** @param {boolean} isHidden Whether no earlier logs can be loaded. */
  hideButton(isHidden) {
    this._load.hidden = isHidden;
  }
}
