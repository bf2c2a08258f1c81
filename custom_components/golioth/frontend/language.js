/** Formats texts and numbers in the user's language. */

import { ENGLISH } from "./english.js";
import { filled, translations } from "./translations.js";

/** @import { Connection } from "../../../types/home-assistant.js" */
/** @typedef {typeof import("../translations/en.json")["config_panel"]} Texts */
/** @typedef {keyof Texts["log_card"]} TextKey */
/**
 * @template Key
 * @typedef {Key extends `${infer Name}_other` ? Name : never} Counted
 */
/** @typedef {Counted<TextKey>} CountKey A text with a number, without plural form. */

const PREFIX = "component.golioth.config_panel.log_card.";

/**
 * Texts by language; untranslated ones are English.
 * @type {Map<string, Record<string, string>>}
 */
const loaded = new Map([["en", ENGLISH]]);

/**
 * Load the texts of a language, once for the page.
 * @param {Connection} connection
 * @param {unknown} code Such as `de` or `de-CH`.
 * @returns {Promise<boolean>} Whether new texts were loaded. A failure is tried again
 *   with the next call; until then, texts are English.
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
 * Return a language to format in, as a list.
 *
 * The list is empty, which means the browser's language, where the browser does not
 * know the code or it is no language.
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
   * Return a text with its placeholders filled.
   * @param {TextKey} key
   * @param {Record<string, string>} placeholders
   */
  text(key, placeholders = {}) {
    const name = PREFIX + key;
    return filled(this._texts[name] ?? ENGLISH[name], placeholders);
  }

  /**
   * Return a text that contains a number.
   * @param {CountKey} key
   * @param {number} count
   */
  count(key, count) {
    const form = this._plurals.select(count) === "one" ? "one" : "other";
    return this.text(`${key}_${form}`, { count: this._numbers.format(count) });
  }
}

/**
 * Return the page's language.
 *
 * For texts that are needed before the card has Home Assistant's objects.
 */
export const pageLanguage = () =>
  new Language(document.documentElement.lang || "en");
