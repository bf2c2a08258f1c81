/** Selects the devices of a card's project. */

/** @import { Option } from "./filter-bar.js" */
/** @import { Device, HomeAssistant } from "../../../types/home-assistant.js" */

/**
 * Return Home Assistant's current name of a device.
 * @param {Device} device
 */
const nameOf = ({ id, name_by_user, name }) => name_by_user || name || id;

/**
 * Return the names of a project's devices, by ID.
 *
 * Without the project's own device, which has the logs of devices that Home Assistant
 * does not know yet.
 * @param {HomeAssistant} hass
 * @param {string} entryId
 */
export const deviceNames = (hass, entryId) =>
  new Map(
    Object.values(hass.devices)
      .filter(
        (device) =>
          device.config_entry_id === entryId && device.entry_type !== "service",
      )
      .map((device) => [device.id, nameOf(device)]),
  );

/**
 * Return the devices to choose from, sorted by name.
 *
 * Without disabled ones.
 * @param {HomeAssistant} hass
 * @param {string} entryId
 * @param {string[]} configured The card's devices; all where the list is empty.
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
      (device) => [device.id, nameOf(device)],
    )
    .sort(([, one], [, other]) => one.localeCompare(other));

/**
 * Return the disabled devices of a project, as one string.
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
 * Return the devices to subscribe to.
 *
 * Without disabled ones, unless all are disabled: an empty list would mean all devices.
 * @param {HomeAssistant} hass
 * @param {string[]} configured
 */
export const devicesToAskFor = (hass, configured) => {
  const enabled = configured.filter((id) => !hass.devices[id]?.disabled_by);
  return enabled.length ? enabled : configured;
};
