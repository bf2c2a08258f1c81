/** Makes the card known to Home Assistant. */

import { LogCard } from "./log-card.js";
import { pageLanguage } from "./language.js";

/** Define the card in the registry of elements that is in use now, unless it is there already. */
export const defineCard = (type) => {
  if (customElements.get(type)) return;
  customElements.define(type, LogCard);
  window.customCards = window.customCards ?? [];
  window.customCards.push({
    type,
    // When it is asked for: the language is not known yet.
    get name() {
      return pageLanguage().text("name");
    },
    get description() {
      return pageLanguage().text("description");
    },
    preview: true,
    documentationURL: "https://github.com/OWNER/ha-golioth/blob/main/docs/log-card.md",
  });
};
