/** Checks what comes as a log before anything else uses it. */

import { parseExactly } from "./exact-json.js";

/**
 * A log of which every field that is shown can be shown.
 * @typedef {object} Log
 * @property {number} [number] Its place among the logs that are told live; those of the
 *   history have none.
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

// Home Assistant tells none that is nested deeper, and what makes JSON of it calls
// itself for each level.
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
 * Return the metadata of a log, which are JSON where a browser's numbers would not hold
 * theirs; what is no such thing as it is.
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
 * Return a log of which every field that is shown has the type that it should have, or,
 * as far as it can be read, one with `isUnreadable`. So nothing has to be converted,
 * which an object with a `toString` of its own would not bear.
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
