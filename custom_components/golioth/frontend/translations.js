/**
 * Texts of Home Assistant's translations, each of them asked for once for the page.
 *
 * Not by `hass.loadBackendTranslation`: that tells the second card of a page that the
 * texts are there before they are, and never asks again after a failure.
 */

// Served by Home Assistant: the English of the card, for as long as there is nothing
// else.
import { ENGLISH } from "./english.js";

/** @import { Connection } from "../../../types/home-assistant.js" */
/** @typedef {Record<string, string>} Texts By key. */

/**
 * @param {string} language
 * @param {string} category
 * @param {string} domain
 */
const keyOf = (language, category, domain) =>
  JSON.stringify([language, category, domain]);

/**
 * Requests for texts; those that have failed are not kept.
 * @type {Map<string, Promise<Texts>>}
 */
const asked = new Map([
  [keyOf("en", "config_panel", "golioth"), Promise.resolve(ENGLISH)],
]);

/**
 * Ask Home Assistant for texts. It answers in English where it has no others.
 * @param {Connection} connection
 * @param {string} language
 * @param {string} category
 * @param {string} domain
 * @returns {Promise<Texts>}
 */
const request = async (connection, language, category, domain) => {
  const { resources } = await connection.sendMessagePromise({
    type: "frontend/get_translations",
    language,
    category,
    integration: [domain],
  });
  // No text can be looked up in anything else.
  return Object.fromEntries(Object.entries(resources));
};

/**
 * Return what Home Assistant answers, or has answered before. What fails is asked for
 * again the next time.
 * @type {typeof request}
 */
const requestOnce = (connection, language, category, domain) => {
  const key = keyOf(language, category, domain);
  const known = asked.get(key);
  if (known) return known;
  const texts = request(connection, language, category, domain);
  asked.set(key, texts);
  texts.catch(() => asked.delete(key));
  return texts;
};

/**
 * @param {Texts} texts
 * @param {Texts} english
 */
const isTranslated = (texts, english) =>
  Object.keys(english).some(
    (key) => (texts[key] ?? english[key]) !== english[key],
  );

/**
 * Return the texts of a language, such as `de-CH`, or of the language without its
 * region where that has none.
 * @param {Connection} connection
 * @param {string} language
 * @param {string} category
 * @param {string} domain
 * @returns {Promise<Texts>} Rejects where Home Assistant does not answer.
 */
export const translations = async (connection, language, category, domain) => {
  /** @param {string} code */
  const of = (code) => requestOnce(connection, code, category, domain);
  const texts = await of(language);
  const [base] = language.split(/[-_]/);
  if (base === language || isTranslated(texts, await of("en"))) return texts;
  return of(base);
};

/**
 * Return a text with its placeholders filled.
 * @param {string} text
 * @param {Record<string, unknown>} placeholders
 */
export const filled = (text, placeholders) =>
  text.replace(/\{(\w+)\}/g, (_, name) => `${placeholders[name]}`);
