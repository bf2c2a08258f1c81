/** The levels of logs, and their order. */

/** @typedef {"debug" | "info" | "warn" | "error"} Level */

/** @type {Level[]} */
export const LEVELS = ["debug", "info", "warn", "error"];

/**
 * Return the rank of a level, from 0 on; -1 where it is none that is known.
 * @param {unknown} level
 */
const rankOf = (level) => LEVELS.findIndex((each) => each === level);

/**
 * Return a level if it is one that is known.
 * @param {string} level
 */
export const knownLevel = (level) => LEVELS.find((each) => each === level);

/**
 * Return the levels from a minimum on; all of them where it is none that is known.
 * @param {string} minimum
 */
export const levelsFrom = (minimum) =>
  LEVELS.slice(Math.max(rankOf(minimum), 0));

/**
 * Whether a level is at least a minimum. What is unknown always is, as in the options
 * of the integration.
 * @param {string} level
 * @param {string} minimum
 */
export const isAtLeast = (level, minimum) => {
  const rank = rankOf(level);
  return rank < 0 || rank >= rankOf(minimum);
};

/**
 * Return the higher of two levels, each of which may be missing.
 * @param {string | undefined} one
 * @param {string | undefined} other
 */
export const higherLevel = (one, other) =>
  rankOf(one) > rankOf(other) ? one : other;
