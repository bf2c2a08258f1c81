/** The language of the user: texts, and numbers in them. */

import { ENGLISH } from "./english.js";
import { filled, translations } from "./translations.js";

/** @import { Connection } from "../../../types/home-assistant.js" */
/** @typedef {typeof import("../translations/en.json")["config_panel"]} Texts */
/** @typedef {keyof Texts["log_card"]} TextKey */
/**
 * @template Key
 * @typedef {Key extends `${infer Name}_other` ? Name : never} Counted
 */
/** @typedef {Counted<TextKey>} CountKey Texts with a number, without their form. */

const PREFIX = "component.golioth.config_panel.log_card.";

/**
 * Texts by language, of which some may be English.
 * @type {Map<string, Record<string, string>>}
 */
const loaded = new Map([["en", ENGLISH]]);

/**
 * Load the texts of a language, once for the page.
 * @param {Connection} connection
 * @param {unknown} code Such as `de` or `de-CH`.
 * @returns {Promise<boolean>} Whether there are texts that were not there before. What
 *   fails is tried again when this is called again; until then, texts are English.
 */
export const loadTexts = async (connection, code) => {
  const language = `${code}`;
  if (loaded.has(language)) return false;
  try {
    loaded.set(
      language,
      await translations(connection, language, "config_panel", "golioth"),
    );
    return true;
  } catch {
    return false;
  }
};

/**
 * Return the languages to format in: one, or none, which is that of the browser, where
 * it does not know it or it is no language.
 * @param {unknown} code
 */
export const knownLocales = (code) => {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(`${code}`.replace("_", "-"));
  } catch {
    return [];
  }
};

export class Language {
  /**
   * @param {unknown} code Such as `de` or `de-CH`. Texts that are not loaded are
   *   English.
   */
  constructor(code) {
    this._texts = loaded.get(`${code}`) ?? ENGLISH;
    const known = knownLocales(code ?? "en");
    this._numbers = new Intl.NumberFormat(known);
    this._plurals = new Intl.PluralRules(known);
  }

  /**
   * Return a text, its placeholders filled.
   * @param {TextKey} key
   * @param {Record<string, string>} placeholders
   */
  text(key, placeholders = {}) {
    const name = PREFIX + key;
    return filled(this._texts[name] ?? ENGLISH[name], placeholders);
  }

  /**
   * Return a text that has a number.
   * @param {CountKey} key
   * @param {number} count
   */
  count(key, count) {
    const form = this._plurals.select(count) === "one" ? "one" : "other";
    return this.text(`${key}_${form}`, { count: this._numbers.format(count) });
  }
}

/**
 * Return the language of the page, for what is asked before the card knows of Home
 * Assistant.
 */
export const pageLanguage = () =>
  new Language(document.documentElement.lang || "en");
