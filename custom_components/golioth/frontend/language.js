/** The language of the user: texts, and numbers in them. */

import { TEXTS } from "./texts.js";

export class Language {
  /** @param code Such as `de` or `de-CH`. One that there are no texts in is English. */
  constructor(code) {
    this._texts = TEXTS[code] ?? TEXTS[code?.split("-")[0]] ?? TEXTS.en;
    const known = Intl.NumberFormat.supportedLocalesOf(code ?? "en");
    this._numbers = new Intl.NumberFormat(known);
    this._plurals = new Intl.PluralRules(known);
  }

  /** Return a text, its placeholders filled. */
  text(key, placeholders = {}) {
    return this._texts[key].replace(/\{(\w+)\}/g, (_, name) => placeholders[name]);
  }

  /** Return a text that has a number. */
  count(key, count) {
    const form = this._plurals.select(count) === "one" ? "one" : "other";
    return this.text(`${key}_${form}`, { count: this._numbers.format(count) });
  }
}

/** Return the language of the page, for what is asked before the card knows of Home Assistant. */
export const pageLanguage = () => new Language(document.documentElement.lang || "en");
