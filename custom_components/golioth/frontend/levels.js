/** The levels of logs, and their order. */

export const LEVELS = ["debug", "info", "warn", "error"];

/** Return the levels from a minimum on; all of them where it is none that is known. */
export const levelsFrom = (minimum) =>
  LEVELS.slice(Math.max(LEVELS.indexOf(minimum), 0));

/** Whether a level is at least a minimum. What is unknown always is, as in the options of the integration. */
export const isAtLeast = (level, minimum) => {
  const rank = LEVELS.indexOf(level);
  return rank < 0 || rank >= LEVELS.indexOf(minimum);
};

/** Return the higher of two levels, each of which may be missing. */
export const higherLevel = (one, other) =>
  LEVELS.indexOf(one) > LEVELS.indexOf(other) ? one : other;
