/*
 * Says in place of the card that the browser is too old for it. In ECMAScript 5, which every browser reads that Home Assistant runs in.
 * The right side of the assignment is JSON.
 */
(function () {
  "use strict";

  var TYPE = "golioth-log-card";

  var TEXTS = {
    "en": "This browser is too old to show Golioth logs. Update it, or use another one.",
    "de": "Dieser Browser ist zu alt, um Golioth-Protokolle anzuzeigen. Aktualisiere ihn, oder verwende einen anderen.",
    "fr": "Ce navigateur est trop ancien pour afficher les journaux Golioth. Le mettre à jour ou en utiliser un autre.",
    "es": "Este navegador es demasiado antiguo para mostrar los registros de Golioth. Actualízalo o usa otro.",
    "nl": "Deze browser is te oud om Golioth-logs te tonen. Werk hem bij of gebruik een andere."
  };

  function text() {
    var language = document.documentElement.lang.split("-")[0];
    return Object.prototype.hasOwnProperty.call(TEXTS, language)
      ? TEXTS[language]
      : TEXTS.en;
  }

  function Notice() {
    return Reflect.construct(HTMLElement, [], Notice);
  }

  function define() {
    if (window.customElements.get(TYPE)) return;
    // Only now: Home Assistant may have replaced it.
    Notice.prototype = Object.create(HTMLElement.prototype);
    Notice.prototype.constructor = Notice;
    Notice.prototype.setConfig = function () {};
    Notice.prototype.getCardSize = function () {
      return 2;
    };
    Notice.prototype.connectedCallback = function () {
      var card = document.createElement("ha-card");
      card.textContent = text();
      card.style.padding = "16px";
      this.textContent = "";
      this.appendChild(card);
    };
    window.customElements.define(TYPE, Notice);
  }

  if (document.querySelector("home-assistant"))
    window.customElements.whenDefined("home-assistant").then(define);
  else define();
})();
