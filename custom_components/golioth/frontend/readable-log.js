/** Checks received logs before anything else uses them. */

import { parseExactly } from "./exact-json.js";

/**
 * A log whose fields can all be shown.
 * @typedef {object} Log
 * @property {number} [number] Its number among the live logs; logs of the history have
 *   none.
 * @property {string | null} [device_id] Home Assistant's ID of the device.
 * @property {string} golioth_device_id
 * @property {string} device_name
 * @property {string} timestamp
 * @property {string} level
 * @property {string} module
 * @property {string} type
 * @property {string} message
 * @property {object} metadata
 * @property {boolean} [truncated]
 * @property {boolean} [isUnreadable]
 */

const TEXTS = /** @type {const} */ ([
  "golioth_device_id",
  "device_name",
  "timestamp",
  "level",
  "module",
  "type",
  "message",
]);

// Home Assistant sends no deeper metadata, and `JSON.stringify` recurses per level.
const MAX_DEPTH = 500;

/**
 * @param {unknown} value
 * @returns {value is Record<string, any>}
 */
const isObject = (value) => typeof value === "object" && value !== null;

/**
 * @param {unknown} value
 * @param {number} depth
 * @returns {boolean}
 */
const isWithin = (value, depth) =>
  !isObject(value) ||
  (depth > 0 &&
    Object.values(value).every((each) => isWithin(each, depth - 1)));

/**
 * Return a log's metadata, parsed where it is JSON.
 *
 * Home Assistant sends JSON where a browser's numbers would round integers. Anything
 * else is returned unchanged.
 * @param {any} log
 */
const metadataOf = ({ metadata }) => {
  if (typeof metadata !== "string") return metadata;
  try {
    return parseExactly(metadata);
  } catch {
    return metadata;
  }
};

/**
 * Return a log whose shown fields have the right types.
 *
 * Otherwise, what can be read of it, with `isUnreadable`. No field has to be converted
 * to a string, which throws for an object with a `toString` of its own.
 * @param {any} log
 * @returns {Log}
 */
export const readableLog = (log) => {
  /** @param {string} name */
  const isText = (name) => typeof log[name] === "string";
  if (isObject(log) && TEXTS.every(isText)) {
    const metadata = metadataOf(log);
    if (isObject(metadata) && isWithin(metadata, MAX_DEPTH))
      return /** @type {Log} */ (
        metadata === log.metadata ? log : { ...log, metadata }
      );
  }
  /** @type {any} */
  const readable = { number: undefined, device_id: undefined, metadata: {} };
  for (const name of TEXTS) readable[name] = "";
  if (!isObject(log)) return { ...readable, isUnreadable: true };
  const { number, device_id } = log;
  for (const name of TEXTS.filter(isText)) readable[name] = log[name];
  return { ...readable, number, device_id, message: "", isUnreadable: true };
};
