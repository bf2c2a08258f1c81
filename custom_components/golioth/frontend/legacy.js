/*
 * What Home Assistant loads in browsers that it has other files for: the card, or,
 * where modules cannot be loaded, what says that the browser is too old. In ECMAScript
 * 5, which every browser reads that Home Assistant runs in.
 */
(function () {
  "use strict";

  // In milliseconds, after something could not be loaded.
  var DELAY = 5000;

  var self = /** @type {HTMLScriptElement} */ (document.currentScript);
  var folder = self.src.replace(/[^/]*$/, "");

  /** @param {HTMLScriptElement} script */
  function add(script) {
    document.head.appendChild(script);
    return script;
  }

  // A browser that does not know `import()` does not read this, and so leaves the name
  // undefined.
  var trial = document.createElement("script");
  trial.text = "window.goliothImport = function (url) { return import(url); };";
  document.head.removeChild(add(trial));

  // Each try has an address of its own: a browser does not ask again for a module that
  // it did not get.
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
