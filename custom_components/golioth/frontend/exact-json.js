/** JSON whose integers may be longer than a browser's numbers, which are floats. */

// In front of an integer that is a text as long as it is in a value: nothing that was
// sent begins so.
const MARK = `${Math.random()}${Math.random()}`.replace(/\W/g, "_");

const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, "g");

const TEXT_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

// A float holds every integer of 15 digits.
const LONG = /^-?\d{16,}$/;

/**
 * Return what JSON holds, its long integers for the other functions here alone.
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
 * Return a value as JSON, with its long integers, and indented by spaces where a number
 * of them is given.
 * @param {object} value
 * @param {number} [spaces]
 */
export const exactText = (value, spaces) =>
  JSON.stringify(value, undefined, spaces).replace(MARKED, "$1");

/**
 * Return the texts in a value that are others as JSON.
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
 * Return the digits of a long integer, or undefined where a value is none.
 * @param {unknown} value
 */
export const longInteger = (value) =>
  typeof value === "string" && value.startsWith(MARK)
    ? value.slice(MARK.length)
    : undefined;

/**
 * Return the number that is nearest to a long integer, and any other value as it is.
 * @param {unknown} value
 */
export const byValue = (value) => {
  const digits = longInteger(value);
  return digits === undefined ? value : Number(digits);
};
