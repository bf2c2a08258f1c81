/*
 * Loads the card in Home Assistant's build for older browsers.
 *
 * Where modules cannot be loaded, shows that the browser is too old. Written in
 * ECMAScript 5, which every browser reads that Home Assistant runs in.
 */
(function () {
  "use strict";

  // Milliseconds until a failed load is tried again.
  var DELAY = 5000;

  var self = /** @type {HTMLScriptElement} */ (document.currentScript);
  var folder = self.src.replace(/[^/]*$/, "");

  /** @param {HTMLScriptElement} script */
  function add(script) {
    document.head.appendChild(script);
    return script;
  }

  // A browser without `import()` cannot parse this, and leaves the name undefined.
  var trial = document.createElement("script");
  trial.text = "window.goliothImport = function (url) { return import(url); };";
  document.head.removeChild(add(trial));

  // Each try has a new address: a browser requests a failed module only once.
  /** @param {string} address */
  function load(address) {
    function retry() {
      setTimeout(function () {
        load(folder + "../golioth-log-card.js?try=" + Date.now());
      }, DELAY);
    }
    if (window.goliothImport) window.goliothImport(address).then(null, retry);
  }

  function sayTooOld() {
    var script = document.createElement("script");
    script.onerror = function () {
      setTimeout(sayTooOld, DELAY);
    };
    script.src = folder + "too-old.js";
    add(script);
  }

  if (window.goliothImport) load(folder + "golioth-log-card.js");
  else sayTooOld();
})();
