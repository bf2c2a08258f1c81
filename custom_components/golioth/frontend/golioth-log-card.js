/** Makes the card known to Home Assistant. */

import { LogCard } from "./log-card.js";
import { pageLanguage } from "./language.js";

const TYPE = "golioth-log-card";

if (!customElements.get(TYPE)) {
  customElements.define(TYPE, LogCard);
  window.customCards ??= [];
  window.customCards.push({
    type: TYPE,
    // When it is asked for: the language is not known yet.
    get name() {
      return pageLanguage().text("name");
    },
    get description() {
      return pageLanguage().text("description");
    },
    preview: true,
    documentationURL: "https://github.com/OWNER/ha-golioth#log-card",
  });
}
