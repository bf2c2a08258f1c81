/*
 * Shows in the card's place that the browser is outdated.
 *
 * Written in ECMAScript 5, which every browser reads that Home Assistant runs in.
 */
(function () {
  "use strict";

  var TYPE = "golioth-log-card";
  var KEY = "component.golioth.config_panel.log_card.too_old";
  // The text of `translations/en.json`; other languages are requested.
  var ENGLISH =
    "This browser is too old to show Golioth logs. Update it, or use another one.";

  /** @this {HTMLElement} */
  function Notice() {
    return Reflect.construct(HTMLElement, [], Notice);
  }

  /**
   * @param {HTMLElement} notice
   * @param {string} text
   */
  function show(notice, text) {
    var card = document.createElement("ha-card");
    card.textContent = text;
    card.style.padding = "16px";
    notice.textContent = "";
    notice.appendChild(card);
  }

  /** @param {HTMLElement} notice */
  function translate(notice) {
    var home = window.hassConnection;
    if (!home) return;
    home
      .then(function (connected) {
        return connected.conn.sendMessagePromise({
          type: "frontend/get_translations",
          language: document.documentElement.lang.split("-")[0],
          category: "config_panel",
          integration: ["golioth"]
        });
      })
      .then(function (answer) {
        show(notice, answer.resources[KEY] || ENGLISH);
      })
      // The text stays English.
      .then(null, function () {});
  }

  function define() {
    if (window.customElements.get(TYPE)) return;
    // Not before: Home Assistant may have replaced `HTMLElement`.
    Notice.prototype = Object.create(HTMLElement.prototype);
    Notice.prototype.constructor = Notice;
    Notice.prototype.setConfig = function () {};
    Notice.prototype.getCardSize = function () {
      return 2;
    };
    Notice.prototype.connectedCallback = function () {
      show(this, ENGLISH);
      translate(this);
    };
    window.customElements.define(TYPE, /** @type {any} */ (Notice));
  }

  if (document.querySelector("home-assistant"))
    window.customElements.whenDefined("home-assistant").then(define);
  else define();
})();
