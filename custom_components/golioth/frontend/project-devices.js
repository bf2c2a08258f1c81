/** Which of Home Assistant's devices a card is about. */

/** @import { Option } from "./filter-bar.js" */
/** @import { Device, HomeAssistant } from "../../../types/home-assistant.js" */

/**
 * Return how Home Assistant calls a device now.
 * @param {Device} device
 */
const nameOf = ({ id, name_by_user, name }) => name_by_user || name || id;

/**
 * Return the names of a project's devices, by ID. Without that of the project itself,
 * which has the logs of devices that Home Assistant does not know yet.
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
      (device) => [device.id, nameOf(device)],
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
