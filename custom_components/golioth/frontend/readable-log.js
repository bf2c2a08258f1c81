/** Checks what comes as a log before anything else uses it. */

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

/**
 * Return a log of which every field that is shown has the type that it should have: the log itself, or, as far as it can be read, one
 * with `isUnreadable`. So nothing has to be converted, which an object with a `toString` of its own would not bear.
 */
export const readableLog = (log) => {
  const isText = (name) => typeof log[name] === "string";
  const isReadable =
    isObject(log) &&
    TEXTS.every(isText) &&
    isObject(log.metadata) &&
    isWithin(log.metadata, MAX_DEPTH);
  if (isReadable) return log;
  const readable = { number: undefined, device_id: undefined, metadata: {} };
  for (const name of TEXTS) readable[name] = "";
  if (!isObject(log)) return { ...readable, isUnreadable: true };
  const { number, device_id } = log;
  for (const name of TEXTS.filter(isText)) readable[name] = log[name];
  return { ...readable, number, device_id, message: "", isUnreadable: true };
};
