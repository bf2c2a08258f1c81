/**
 * Loads the card once its element can be defined.
 *
 * Says so where the browser is too old for it. A failed load is tried again, and shown
 * in place of the card. Every browser that has `import()` can read this file.
 *
 * Home Assistant may replace the registry of elements while it starts, and with it the
 * classes that elements extend: elements defined before are then lost. So no module
 * that extends one is loaded before Home Assistant's own elements are defined.
 */

/** @typedef {typeof import("./log-card.js").LogCard} CardClass */

const TYPE = "golioth-log-card";

// Milliseconds until the next try; doubled after each one.
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30000;

const KEY = "component.golioth.config_panel.log_card.card_not_loaded";
// The text of `translations/en.json`; other languages are requested.
const ENGLISH =
  "The Golioth log card cannot be loaded. Check that Home Assistant is running: this is tried again automatically.";

/**
 * Wait until the registry of elements is the final one.
 *
 * Where there is no `home-assistant` element, as on Cast, it already is.
 */
const registryInUse = () =>
  document.querySelector("home-assistant")
    ? customElements.whenDefined("home-assistant")
    : Promise.resolve();

/**
 * Whether the browser lacks a feature that the card needs.
 *
 * Syntax that it cannot read shows later, by a SyntaxError.
 */
let isTooOld = [
  Element.prototype.append,
  Element.prototype.attachShadow,
  Element.prototype.closest,
  Intl.PluralRules,
  Object.entries,
  Object.fromEntries,
  window.ResizeObserver,
].some((each) => !each);

/**
 * The card, once it is loaded.
 * @type {CardClass | null}
 */
let Card = null;

/**
 * The element shown until the card is loaded, if needed.
 * @type {CustomElementConstructor | null}
 */
let StandIn = null;

/** @type {HTMLElement[]} */
const standIns = [];

/** @param {HTMLElement} element */
const showReason = (element) => {
  const card = document.createElement("ha-card");
  card.style.padding = "16px";
  card.textContent = ENGLISH;
  element.textContent = "";
  element.appendChild(card);
  if (!window.hassConnection) return;
  const request = {
    type: "frontend/get_translations",
    language: document.documentElement.lang.split("-")[0],
    category: "config_panel",
    integration: ["golioth"],
  };
  window.hassConnection
    .then(({ conn }) => conn.sendMessagePromise(request))
    .then(({ resources }) => {
      card.textContent = resources[KEY] || ENGLISH;
    })
    // The text stays English.
    .catch(() => {});
};

/**
 * Define the stand-in for the card.
 *
 * An element cannot be defined twice: once the card is loaded, the same class makes
 * cards.
 */
const defineStandIn = () => {
  if (StandIn) return;
  StandIn = class extends HTMLElement {
    constructor() {
      super();
      this.isStandIn = !Card;
      if (this.isStandIn) standIns.push(this);
    }

    /** @param {any} config */
    setConfig(config) {
      if (Card && !this.isStandIn) Card.prototype.setConfig.call(this, config);
    }

    connectedCallback() {
      if (this.isStandIn) showReason(this);
      else if (Card) Card.prototype.connectedCallback.call(this);
    }

    disconnectedCallback() {
      if (Card && !this.isStandIn)
        Card.prototype.disconnectedCallback.call(this);
    }
  };
  customElements.define(TYPE, StandIn);
};

/** @param {CardClass} LogCard */
const defineElement = (LogCard) => {
  if (!StandIn) {
    customElements.define(TYPE, LogCard);
    return;
  }
  Card = LogCard;
  Object.setPrototypeOf(StandIn, LogCard);
  Object.setPrototypeOf(StandIn.prototype, LogCard.prototype);
  // Asks Home Assistant to create the card again, as for any card that is loaded late.
  const event = { bubbles: true, composed: true };
  for (const each of standIns.splice(0))
    each.dispatchEvent(new CustomEvent("ll-rebuild", event));
};

/**
 * Load the card, or the notice for old browsers.
 *
 * A browser requests a module only once, even if it or one of its imports failed: each
 * further try has new addresses for all of them.
 * @param {number} tries The number of failed tries.
 * @returns {Promise<unknown>}
 */
const load = (tries) => {
  const folder = tries ? "../" : "./";
  const query = tries ? `?try=${Date.now()}` : "";
  if (isTooOld) return import(`${folder}too-old.js${query}`);
  const loading = import(`${folder}define-card.js${query}`);
  return loading.then(({ defineCard }) => defineCard(defineElement));
};

/** @param {number} tries */
const loadOrRetry = (tries) => {
  // Caught, or Home Assistant takes the error for its own, and reloads the page.
  load(tries).catch((error) => {
    console.error("The Golioth log card cannot be loaded", error);
    // Other errors, such as a lost connection, are not the browser's fault.
    if (error instanceof SyntaxError && !isTooOld) {
      isTooOld = true;
      loadOrRetry(tries);
      return;
    }
    // After the first failure, Home Assistant still waits for the card.
    if (tries) defineStandIn();
    const delay = Math.min(FIRST_DELAY * Math.pow(2, tries), LONGEST_DELAY);
    setTimeout(() => loadOrRetry(tries + 1), delay);
  });
};

// Home Assistant loads this module twice, in case one request fails.
if (!window.isGoliothLogCardLoading) {
  window.isGoliothLogCardLoading = true;
  registryInUse().then(() => {
    if (!customElements.get(TYPE)) loadOrRetry(0);
  });
}
