/** Compares numbers in metadata by value, however they are written. */

import { longInteger } from "./exact-json.js";

// A number in JSON, in lower case.
const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:e([+-]?\d+))?$/;

/**
 * Return a number's canonical form: its digits and exponent.
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
 * Return all numbers in a value, however deeply nested.
 *
 * Long integers, which no float holds, are in their canonical form.
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
 * Return the forms of a number that a text means.
 *
 * A log with one of them among its `numbersOf` is found: as in a trigger, by the
 * nearest float, or by exactly the long integer.
 * @param {string} text In lower case.
 */
export const soughtNumber = (text) => {
  const match = NUMBER.exec(text);
  return match ? [Number(text), exactly(match)] : [];
};
