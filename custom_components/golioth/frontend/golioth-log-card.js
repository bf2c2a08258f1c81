/**
 * Loads the card once its element can be defined.
 *
 * Home Assistant may replace the registry of elements while it starts, and with it the classes that elements extend: what was defined
 * before is not found afterwards. So nothing that extends one is even read before Home Assistant's own elements are there.
 */

const TYPE = "golioth-log-card";

/** Wait until the registry is the one that stays. Where there is no such element, as on Cast, it already is. */
const registryInUse = () =>
  document.querySelector("home-assistant")
    ? customElements.whenDefined("home-assistant")
    : Promise.resolve();

registryInUse()
  .then(() => import("./define-card.js"))
  .then(({ defineCard }) => defineCard(TYPE))
  // Caught, or Home Assistant takes it for a failure of its own, and reloads the page.
  .catch((error) => console.error("The Golioth log card cannot be loaded", error));
