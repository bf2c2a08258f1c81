/**
 * Loads Home Assistant's translations, once for the page.
 *
 * `hass.loadBackendTranslation` does not serve: for the second card of a page it
 * resolves before the texts are loaded, and after a failure it never tries again.
 */

// Served by Home Assistant: the card's English texts, until others are loaded.
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
 * Requests for texts, without failed ones.
 * @type {Map<string, Promise<Texts>>}
 */
const asked = new Map([
  [keyOf("en", "config_panel", "golioth"), Promise.resolve(ENGLISH)],
]);

/**
 * Request texts from Home Assistant.
 *
 * It answers in English where it has no translation.
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
  // Throws where the answer has no texts, so that it is not kept.
  return Object.fromEntries(Object.entries(resources));
};

/**
 * Request texts, unless requested before.
 *
 * A failed request is repeated with the next call.
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
 * Return the texts of a language.
 *
 * A region without texts of its own has those of its language.
 * @param {Connection} connection
 * @param {string} language Such as `de-CH`.
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
