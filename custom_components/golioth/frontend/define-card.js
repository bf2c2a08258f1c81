/** Defines the card, and registers it with Home Assistant. */

import { LogCard } from "./log-card.js";
import { loadTexts, pageLanguage } from "./language.js";

/**
 * Define the card, and add it to the card picker.
 * @param {(card: typeof LogCard) => void} defineElement Defines its element.
 */
export const defineCard = (defineElement) => {
  defineElement(LogCard);
  followLanguage();
  window.customCards = window.customCards ?? [];
  window.customCards.push({
    type: "golioth-log-card",
    // A getter, because the language is not known yet.
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
 * Keep the texts of the page's language loaded.
 *
 * The card picker and the form need them before there is a card.
 */
const followLanguage = () => {
  const load = async () => {
    try {
      const home = await window.hassConnection;
      if (home) await loadTexts(home.conn, document.documentElement.lang);
    } catch {
      // Home Assistant itself shows that it cannot be reached.
    }
  };
  // Home Assistant sets `lang` once connected, and when the user changes the language.
  new MutationObserver(load).observe(document.documentElement, {
    attributeFilter: ["lang"],
  });
  load();
};
