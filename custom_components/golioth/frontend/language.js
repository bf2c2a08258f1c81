/** The language of the user: texts, and numbers in them. */

import { TEXTS } from "./texts.js";

/** Return the languages to format in: one, or none, which is that of the browser, where it does not know it or it is no language. */
export const knownLocales = (code) => {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(`${code}`.replace("_", "-"));
  } catch {
    return [];
  }
};

export class Language {
  /** @param code Such as `de` or `de-CH`. One that there are no texts in is English. */
  constructor(code) {
    const texts = new Map(Object.entries(TEXTS));
    const [base] = `${code}`.split(/[-_]/);
    this._texts = texts.get(code) ?? texts.get(base) ?? TEXTS.en;
    const known = knownLocales(code ?? "en");
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
