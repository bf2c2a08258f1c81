/** Explains errors in the user's language. */

import { filled, translations } from "./translations.js";
import { visibleLine } from "./visible-text.js";

// The longest reason, in characters.
const LENGTH = 500;

/** @import { Language, TextKey } from "./language.js" */
/** @import { HomeAssistant } from "../../../types/home-assistant.js" */

/** @type {TextKey[]} */
const TROUBLES = ["invalid_format", "not_found", "too_many", "unauthorized"];

/**
 * Return the text for an error code.
 * @param {string} code
 * @param {Language} language
 */
export const troubleText = (code, language) =>
  language.text(TROUBLES.find((each) => each === code) ?? "trouble");

/**
 * Return the reason of an error.
 *
 * Empty where the connection was lost. A message that exists in English only is
 * replaced.
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
      // The texts cannot be loaded now: use the general one.
    }
  return troubleText(code, language);
};
