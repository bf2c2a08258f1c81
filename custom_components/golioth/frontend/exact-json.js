/** JSON whose integers may be longer than a browser's numbers, which are floats. */

// In front of an integer that is a text as long as it is in a value: nothing that was
// sent begins so.
const MARK = `${Math.random()}${Math.random()}`.replace(/\W/g, "_");

const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, "g");

const TEXT_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

// A float holds every integer of 15 digits.
const LONG = /^-?\d{16,}$/;

/**
 * Return what JSON holds, its long integers for `exactText` and `byValue` alone.
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
 * Return the number that is nearest to a long integer, and any other value as it is.
 * @param {unknown} value
 */
export const byValue = (value) =>
  typeof value === "string" && value.startsWith(MARK)
    ? Number(value.slice(MARK.length))
    : value;
