/** Makes the card known to Home Assistant. */

import { LogCard } from "./log-card.js";
import { loadTexts, pageLanguage } from "./language.js";

/**
 * Define the card, and offer it.
 * @param {(card: typeof LogCard) => void} defineElement Defines its element.
 */
export const defineCard = (defineElement) => {
  defineElement(LogCard);
  followLanguage();
  window.customCards = window.customCards ?? [];
  window.customCards.push({
    type: "golioth-log-card",
    // When it is asked for: the language is not known yet.
    get name() {
      return pageLanguage().text("name");
    },
    get description() {
      return pageLanguage().text("description");
    },
    preview: true,
    documentationURL:
      "https://github.com/OWNER/ha-golioth/blob/main/docs/log-card.md",
  });
};

/**
 * Load the texts of the page's language before the card is offered or asked for its
 * form.
 */
const followLanguage = () => {
  const load = async () => {
    try {
      const home = await window.hassConnection;
      if (home) await loadTexts(home.conn, document.documentElement.lang);
    } catch {
      // Home Assistant itself says that it cannot be reached.
    }
  };
  // Home Assistant sets it when it is connected, and when the user chooses another one.
  new MutationObserver(load).observe(document.documentElement, {
    attributeFilter: ["lang"],
  });
  load();
};
