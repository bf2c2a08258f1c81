/**
 * Checks the card's configuration, and describes its form.
 */

import { pageLanguage } from "./language.js";
import { LEVELS } from "./levels.js";

/** @import { TextKey } from "./language.js" */
/** @import { HomeAssistant } from "../../../types/home-assistant.js" */

/**
 * The card's settings.
 *
 * Written in YAML, all but the project may be missing.
 * @typedef {object} Configuration
 * @property {string} config_entry_id
 * @property {string} [title]
 * @property {string[] | null} [device_ids]
 * @property {string} [minimum_level]
 * @property {string[] | null} [modules]
 */

/**
 * The settings, and the keys of their labels.
 * @type {Record<string, TextKey>}
 */
const LABELS = {
  title: "title",
  config_entry_id: "project",
  device_ids: "devices",
  minimum_level: "minimum_level",
  modules: "modules",
};

/** @type {Record<string, TextKey>} */
const HELP = { device_ids: "devices_help", modules: "modules_help" };

/**
 * Words in misspelled names, and the setting they mean.
 * @type {Record<string, string>}
 */
const MEANT = {
  title: "title",
  project: "config_entry_id",
  entry: "config_entry_id",
  device: "device_ids",
  level: "minimum_level",
  minimum: "minimum_level",
  module: "modules",
};

// At most this many changed characters make a name a misspelled setting.
const MISSPELLED = 2;

/**
 * Return the Levenshtein distance of two names.
 * @param {string} one
 * @param {string} other
 */
const distance = (one, other) => {
  let costs = [...other, ""].map((_, index) => index);
  for (const [row, character] of [...one].entries()) {
    const next = [row + 1];
    for (const [column, wanted] of [...other].entries())
      next.push(
        Math.min(
          next[column] + 1,
          costs[column + 1] + 1,
          costs[column] + Number(character !== wanted),
        ),
      );
    costs = next;
  }
  return costs[other.length];
};

/**
 * Return the setting that a misspelled name means.
 *
 * Undefined where Home Assistant, or an extension of it, may know the name of any card.
 * @param {string} name
 */
const meantSetting = (name) => {
  const words = name
    .toLowerCase()
    .split(/[^a-z]+/)
    .map((word) => word.replace(/s$/, ""));
  const word = words.find((each) => Object.keys(MEANT).includes(each));
  if (word) return MEANT[word];
  return Object.keys(LABELS).find(
    (each) => distance(name.toLowerCase(), each) <= MISSPELLED,
  );
};

/**
 * Check a configuration that was written in YAML.
 * @param {any} config
 * @throws {Error} Its message says what is wrong.
 */
export const checkConfiguration = (config) => {
  const language = pageLanguage();
  for (const name of Object.keys(config)) {
    const meant = Object.keys(LABELS).includes(name)
      ? undefined
      : meantSetting(name);
    if (meant)
      throw new Error(language.text("unknown_setting", { name, meant }));
  }
  for (const name of ["device_ids", "modules"]) {
    const value = config[name] ?? [];
    const isList =
      Array.isArray(value) && value.every((each) => typeof each === "string");
    if (!isList) throw new Error(language.text("not_a_list", { name }));
  }
  const { minimum_level } = config;
  if (minimum_level && !LEVELS.includes(minimum_level))
    throw new Error(
      language.text("unknown_level", { levels: LEVELS.join(", ") }),
    );
};

/** Return the form of the card's settings. */
export const configurationForm = () => {
  const language = pageLanguage();
  return {
    schema: [
      { name: "title", selector: { text: {} } },
      {
        name: "config_entry_id",
        required: true,
        selector: { config_entry: { integration: "golioth" } },
      },
      {
        name: "device_ids",
        selector: { device: { multiple: true, integration: "golioth" } },
      },
      {
        name: "minimum_level",
        selector: {
          select: {
            mode: "dropdown",
            options: LEVELS.map((level) => ({
              value: level,
              label: language.text(level),
            })),
          },
        },
      },
      { name: "modules", selector: { text: { multiple: true } } },
    ],
    /** @param {{ name: string }} field */
    computeLabel: ({ name }) => language.text(LABELS[name]),
    /** @param {{ name: string }} field */
    computeHelper: ({ name }) => HELP[name] && language.text(HELP[name]),
  };
};

/**
 * Return a new card's configuration, with the first project.
 * @param {HomeAssistant} hass
 */
export const firstConfiguration = async (hass) => {
  const [entry] = await hass.callWS({
    type: "config_entries/get",
    domain: "golioth",
  });
  return { config_entry_id: entry?.entry_id ?? "" };
};
