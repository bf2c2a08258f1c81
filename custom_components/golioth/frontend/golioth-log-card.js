/**
 * Loads the card once its element can be defined, or says that the browser is too old
 * for it. Every browser that has `import()` can read this file.
 *
 * Home Assistant may replace the registry of elements while it starts, and with it the
 * classes that elements extend: what was defined before is not found afterwards. So
 * nothing that extends one is even read before Home Assistant's own elements are there.
 */

const TYPE = "golioth-log-card";

/**
 * Wait until the registry is the one that stays. Where there is no such element, as on
 * Cast, it already is.
 */
const registryInUse = () =>
  document.querySelector("home-assistant")
    ? customElements.whenDefined("home-assistant")
    : Promise.resolve();

/**
 * Whether the browser has what the card cannot do without. Whether it can read the
 * card, it says itself, by a SyntaxError.
 */
const hasAll = () =>
  [
    Element.prototype.append,
    Element.prototype.attachShadow,
    Element.prototype.closest,
    Intl.PluralRules,
    Object.entries,
    Object.fromEntries,
    window.ResizeObserver,
  ].every(Boolean);

/** @returns {Promise<unknown>} */
const load = () =>
  hasAll()
    ? import("./define-card.js").then(({ defineCard }) => defineCard(TYPE))
    : import("./too-old.js");

registryInUse()
  .then(load)
  .catch((error) => {
    // Caught, or Home Assistant takes it for a failure of its own, and reloads the
    // page.
    console.error("The Golioth log card cannot be loaded", error);
    // Anything else, such as a lost connection, is not the browser's fault.
    if (error instanceof SyntaxError) return import("./too-old.js");
    return undefined;
  })
  .catch(console.error);
