/** Compares the levels of logs. */

/** @typedef {"debug" | "info" | "warn" | "error"} Level */

/** @type {Level[]} */
export const LEVELS = ["debug", "info", "warn", "error"];

/**
 * Return the rank of a level, or -1 where unknown.
 * @param {unknown} level
 */
const rankOf = (level) => LEVELS.findIndex((each) => each === level);

/**
 * Return a level if it is known.
 * @param {string} level
 */
export const knownLevel = (level) => LEVELS.find((each) => each === level);

/**
 * Return the levels from a minimum up.
 *
 * All levels where the minimum is unknown.
 * @param {string} minimum
 */
export const levelsFrom = (minimum) =>
  LEVELS.slice(Math.max(rankOf(minimum), 0));

/**
 * Return whether a level reaches a minimum.
 *
 * An unknown level always does, as with the integration's options.
 * @param {string} level
 * @param {string} minimum
 */
export const isAtLeast = (level, minimum) => {
  const rank = rankOf(level);
  return rank < 0 || rank >= rankOf(minimum);
};

/**
 * Return the higher of two levels; either may be missing.
 * @param {string | undefined} one
 * @param {string | undefined} other
 */
export const higherLevel = (one, other) =>
  rankOf(one) > rankOf(other) ? one : other;
