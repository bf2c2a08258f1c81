/** Shows the fields by which the user filters logs. */

import { element, setChildren, setText } from "./elements.js";
import { LEVELS } from "./levels.js";
import { MAX_SEARCH } from "./log-filter.js";
import { visibleLine } from "./visible-text.js";

/** @import { Language, TextKey } from "./language.js" */
/** @import { Wanted } from "./log-filter.js" */
/** @typedef {[value: string, name: string]} Option */

// The longest name that is shown, in characters.
const NAME = 60;

export class FilterBar {
  /**
   * @param {Language} language
   * @param {(wanted: Wanted) => void} onChange
   */
  constructor(language, onChange) {
    this._language = language;
    this._search = element("input", { type: "search", maxlength: MAX_SEARCH });
    this._device = element("select");
    this._level = element("select");
    this._module = element("select");
    const fields = [this._search, this._device, this._level, this._module];
    this.element = element(
      "div",
      { class: "filters", role: "search" },
      ...fields,
    );
    /**
     * The options of each field, as JSON.
     * @type {Map<HTMLSelectElement, string>}
     */
    this._shown = new Map();
    this._wanted = "{}";
    const change = () => {
      const wanted = this._read();
      const json = JSON.stringify(wanted);
      if (json === this._wanted) return;
      this._wanted = json;
      onChange(wanted);
    };
    this.element.addEventListener("input", change);
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      for (const field of fields) field.value = "";
      change();
    });
  }

  /** @returns {Wanted} */
  _read() {
    return {
      text: this._search.value,
      deviceId: this._device.value,
      minimumLevel: this._level.value,
      module: this._module.value,
    };
  }

  /** @param {Language} language */
  setLanguage(language) {
    this._language = language;
    this._search.placeholder = language.text("search");
    /** @type {[HTMLElement, TextKey][]} */
    const names = [
      [this._search, "search"],
      [this._device, "device"],
      [this._level, "minimum_level"],
      [this._module, "module"],
    ];
    for (const [field, key] of names)
      field.setAttribute("aria-label", language.text(key));
    this._shown.clear();
    this._setOptions(
      this._level,
      language.text("all_levels"),
      // The lowest level is the same as all levels.
      LEVELS.slice(1).map((level) => [level, language.text(level)]),
    );
  }

  /**
   * Set the devices to choose from, by ID.
   * @param {Option[]} devices
   */
  setDevices(devices) {
    /** @type {Option[]} */
    const options = devices.map(([id, name]) => [id, visibleLine(name, NAME)]);
    this._setOptions(this._device, this._language.text("all_devices"), options);
  }

  /** @param {string[]} modules */
  setModules(modules) {
    /** @type {Option[]} */
    const options = modules.map((name) => [name, visibleLine(name, NAME)]);
    this._setOptions(this._module, this._language.text("all_modules"), options);
  }

  /**
   * @param {HTMLSelectElement} select
   * @param {string} all
   * @param {Option[]} options
   */
  _setOptions(select, all, options) {
    const { value } = select;
    // Keep the chosen option, even where no longer offered: it still filters.
    if (value && !options.some(([offered]) => offered === value))
      options = [...options, [value, select.selectedOptions[0].textContent]];
    const json = JSON.stringify([all, options]);
    // Setting the same options again would close an open list.
    if (this._shown.get(select) === json) return;
    this._shown.set(select, json);
    setChildren(
      select,
      ...[["", all], ...options].map(([key, name]) => {
        const option = element("option", { value: key });
        setText(option, name);
        return option;
      }),
    );
    select.value = value;
  }
}
