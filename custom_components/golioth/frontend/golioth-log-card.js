/**
 * Loads the card once its element can be defined, or says that the browser is too old
 * for it. What cannot be loaded is tried again, and that is said in place of the card.
 * Every browser that has `import()` can read this file.
 *
 * Home Assistant may replace the registry of elements while it starts, and with it the
 * classes that elements extend: what was defined before is not found afterwards. So
 * nothing that extends one is even read before Home Assistant's own elements are there.
 */

/** @typedef {typeof import("./log-card.js").LogCard} CardClass */

const TYPE = "golioth-log-card";

// In milliseconds until the next try: twice as long each time.
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30000;

const KEY = "component.golioth.config_panel.log_card.card_not_loaded";
// As in the translations. Those of other languages are asked for.
const ENGLISH =
  "The Golioth log card cannot be loaded. Check that Home Assistant is running: this is tried again automatically.";

/**
 * Wait until the registry is the one that stays. Where there is no such element, as on
 * Cast, it already is.
 */
const registryInUse = () =>
  document.querySelector("home-assistant")
    ? customElements.whenDefined("home-assistant")
    : Promise.resolve();

/**
 * Whether the browser lacks what the card cannot do without. Whether it can read the
 * card, it says itself, by a SyntaxError.
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
 * What stands for the card meanwhile, once it is needed.
 * @type {CustomElementConstructor | null}
 */
let StandIn = null;

/** @type {HTMLElement[]} */
const standIns = [];

/** @param {HTMLElement} element */
const sayWhy = (element) => {
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
    // Then it is English.
    .catch(() => {});
};

/**
 * Define what stands for the card. An element cannot be defined twice: from when the
 * card is there, the same class makes cards.
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
      if (this.isStandIn) sayWhy(this);
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
  // Home Assistant makes the card anew, as where it comes late.
  const event = { bubbles: true, composed: true };
  for (const each of standIns.splice(0))
    each.dispatchEvent(new CustomEvent("ll-rebuild", event));
};

/**
 * Load what is needed. A browser does not ask again for a module that it did not get,
 * or that one did not get which another one imports: each further try has addresses of
 * its own for all of them.
 * @param {number} tries How many have failed.
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
  // Caught, or Home Assistant takes it for a failure of its own, and reloads the page.
  load(tries).catch((error) => {
    console.error("The Golioth log card cannot be loaded", error);
    // Anything else, such as a lost connection, is not the browser's fault.
    if (error instanceof SyntaxError && !isTooOld) {
      isTooOld = true;
      loadOrRetry(tries);
      return;
    }
    // The first time, Home Assistant has not given the card up yet.
    if (tries) defineStandIn();
    const delay = Math.min(FIRST_DELAY * Math.pow(2, tries), LONGEST_DELAY);
    setTimeout(() => loadOrRetry(tries + 1), delay);
  });
};

// Home Assistant loads this module twice, in case that one request fails.
if (!window.isGoliothLogCardLoading) {
  window.isGoliothLogCardLoading = true;
  registryInUse().then(() => {
    if (!customElements.get(TYPE)) loadOrRetry(0);
  });
}
