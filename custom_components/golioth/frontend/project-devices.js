/** Which of Home Assistant's devices a card is about. */

/** @import { Option } from "./filter-bar.js" */
/** @import { HomeAssistant } from "../../../types/home-assistant.js" */

/**
 * Return the devices that can be chosen, by name: those of a project that are
 * configured, which are all where none is, and not disabled.
 * @param {HomeAssistant} hass
 * @param {string} entryId
 * @param {string[]} configured
 */
export const offeredDevices = (hass, entryId, configured) =>
  Object.values(hass.devices)
    .filter(
      (device) =>
        device.config_entry_id === entryId &&
        !device.disabled_by &&
        (!configured.length || configured.includes(device.id)),
    )
    .map(
      /** @returns {Option} */
      ({ id, name_by_user, name }) => [id, name_by_user || name || id],
    )
    .sort(([, one], [, other]) => one.localeCompare(other));

/**
 * Return which devices of a project are disabled, as a text to compare.
 * @param {HomeAssistant} hass
 * @param {string} entryId
 */
export const disabledDevices = (hass, entryId) =>
  Object.values(hass.devices)
    .filter((each) => each.disabled_by && each.config_entry_id === entryId)
    .map(({ id }) => id)
    .sort()
    .join();

/**
 * Return the devices to ask for: no disabled one, unless there is no other.
 * @param {HomeAssistant} hass
 * @param {string[]} configured
 */
export const devicesToAskFor = (hass, configured) => {
  const enabled = configured.filter((id) => !hass.devices[id]?.disabled_by);
  return enabled.length ? enabled : configured;
};
