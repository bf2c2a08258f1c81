/*
 * What Home Assistant loads in browsers that it has other files for: the card, or,
 * where modules cannot be loaded, what says that the browser is too old. In ECMAScript
 * 5, which every browser reads that Home Assistant runs in.
 */
(function () {
  "use strict";

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

  if (window.goliothImport)
    window.goliothImport(folder + "golioth-log-card.js");
  else add(document.createElement("script")).src = folder + "too-old.js";
})();
