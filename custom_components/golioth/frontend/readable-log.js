/** Checks what comes as a log before anything else uses it. */

import { parseExactly } from "./exact-json.js";

const TEXTS = [
  "golioth_device_id",
  "device_name",
  "timestamp",
  "level",
  "module",
  "type",
  "message",
];

// Home Assistant tells none that is nested deeper, and what makes JSON of it calls itself for each level.
const MAX_DEPTH = 500;

const isObject = (value) => typeof value === "object" && value !== null;

const isWithin = (value, depth) =>
  !isObject(value) ||
  (depth > 0 && Object.values(value).every((each) => isWithin(each, depth - 1)));

/** Return the metadata of a log, which are JSON where a browser's numbers would not hold theirs; what is no such thing as it is. */
const metadataOf = ({ metadata }) => {
  if (typeof metadata !== "string") return metadata;
  try {
    return parseExactly(metadata);
  } catch {
    return metadata;
  }
};

/**
 * Return a log of which every field that is shown has the type that it should have, or, as far as it can be read, one with
 * `isUnreadable`. So nothing has to be converted, which an object with a `toString` of its own would not bear.
 */
export const readableLog = (log) => {
  const isText = (name) => typeof log[name] === "string";
  if (isObject(log) && TEXTS.every(isText)) {
    const metadata = metadataOf(log);
    if (isObject(metadata) && isWithin(metadata, MAX_DEPTH))
      return metadata === log.metadata ? log : { ...log, metadata };
  }
  const readable = { number: undefined, device_id: undefined, metadata: {} };
  for (const name of TEXTS) readable[name] = "";
  if (!isObject(log)) return { ...readable, isUnreadable: true };
  const { number, device_id } = log;
  for (const name of TEXTS.filter(isText)) readable[name] = log[name];
  return { ...readable, number, device_id, message: "", isUnreadable: true };
};
