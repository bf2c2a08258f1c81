/** Numbers of metadata, which are found by their value, however they are written. */

import { longInteger } from "./exact-json.js";

// As in JSON, in lower case.
const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:e([+-]?\d+))?$/;

/**
 * Return what is the same for each way to write a number: its digits, and their place.
 * @param {RegExpExecArray} number A match of `NUMBER`.
 */
const exactly = ([, sign, whole, fraction = "", exponent = "0"]) => {
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  let end = digits.length;
  while (digits[end - 1] === "0") end -= 1;
  if (!end) return "0";
  const place = Number(exponent) - fraction.length + digits.length - end;
  return `${sign}${digits.slice(0, end)}e${place}`;
};

/**
 * Return the numbers of a value, however deep they are: floats, and the long integers,
 * which are none, as `soughtNumber` has them.
 * @param {object} value
 */
export const numbersOf = (value) => {
  /** @type {(number | string)[]} */
  const numbers = [];
  JSON.stringify(value, (_key, each) => {
    if (typeof each === "number") numbers.push(each);
    const match = NUMBER.exec(longInteger(each) ?? "");
    if (match) numbers.push(exactly(match));
    return each;
  });
  return numbers;
};

/**
 * Return what is among the numbers of a log where a text, in lower case, means one of
 * them: as in a trigger, the float that it is nearest to, or exactly the long integer.
 * @param {string} text
 */
export const soughtNumber = (text) => {
  const match = NUMBER.exec(text);
  return match ? [Number(text), exactly(match)] : [];
};
