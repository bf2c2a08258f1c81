/** Why Home Assistant gives no logs, in the language of the user. */

import { filled, translations } from "./translations.js";
import { visibleLine } from "./visible-text.js";

// In characters.
const LENGTH = 500;

/** @import { Language, TextKey } from "./language.js" */
/** @import { HomeAssistant } from "../../../types/home-assistant.js" */

/** @type {TextKey[]} */
const TROUBLES = ["invalid_format", "not_found", "too_many", "unauthorized"];

/**
 * Return what the code of an error means.
 * @param {string} code
 * @param {Language} language
 */
export const troubleText = (code, language) =>
  language.text(TROUBLES.find((each) => each === code) ?? "trouble");

/**
 * Return what an error tells, or nothing where the connection was lost. What Home
 * Assistant says of it in English alone is left out.
 * @param {any} error
 * @param {HomeAssistant} hass
 * @param {Language} language
 */
export const reasonText = async (error, hass, language) => {
  if (typeof error?.code !== "string") return "";
  const { code, translation_domain: domain, translation_key: key } = error;
  if (typeof domain === "string" && typeof key === "string")
    try {
      const language = `${hass.locale.language}`;
      const texts = await translations(
        ...[hass.connection, language, "exceptions", domain],
      );
      const text = texts[`component.${domain}.exceptions.${key}.message`];
      if (text) {
        const placeholders = error.translation_placeholders ?? {};
        return visibleLine(filled(text, placeholders), LENGTH);
      }
    } catch {
      // None can be loaded now.
    }
  return troubleText(code, language);
};
