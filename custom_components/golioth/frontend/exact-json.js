/** Reads and writes JSON without rounding long integers to floats. */

// Prefix of the strings that stand for long integers in parsed values. Random, so that
// no text that was sent begins with it.
const MARK = `${Math.random()}${Math.random()}`.replace(/\W/g, "_");

const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, "g");

const TEXT_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

// A float holds every integer of 15 digits.
const LONG = /^-?\d{16,}$/;

/**
 * Parse JSON, and keep its long integers exact.
 *
 * They become marked strings, which only the other functions here can read.
 * @param {string} json
 * @returns {unknown}
 */
export const parseExactly = (json) =>
  JSON.parse(
    json.replace(TEXT_OR_NUMBER, (token) =>
      LONG.test(token) ? `"${MARK}${token}"` : token,
    ),
  );

/**
 * Return a value as JSON, with its long integers exact.
 * @param {object} value
 * @param {number} [spaces] The indentation; none by default.
 */
export const exactText = (value, spaces) =>
  JSON.stringify(value, undefined, spaces).replace(MARKED, "$1");

/**
 * Return the strings in a value that JSON escapes.
 * @param {object} value
 */
export const escapedTexts = (value) => {
  /** @type {string[]} */
  const texts = [];
  /** @param {unknown} text */
  const add = (text) => {
    if (typeof text === "string" && JSON.stringify(text) !== `"${text}"`)
      texts.push(text);
  };
  JSON.stringify(value, (key, each) => {
    add(key);
    add(each);
    return each;
  });
  return texts;
};

/**
 * Return the digits of a long integer, or undefined.
 * @param {unknown} value
 */
export const longInteger = (value) =>
  typeof value === "string" && value.startsWith(MARK)
    ? value.slice(MARK.length)
    : undefined;

/**
 * Return a long integer rounded to the nearest number.
 *
 * Any other value is returned unchanged.
 * @param {unknown} value
 */
export const byValue = (value) => {
  const digits = longInteger(value);
  return digits === undefined ? value : Number(digits);
};
