/**
 * Makes a device's text safe to show and copy.
 *
 * The result is only ever set as `textContent`.
 */

// Emoji, which may be several characters joined by an invisible one; and all other
// characters that are invisible or change how the text around them reads: control and
// format characters, line ends, lone surrogates.
const SPECIAL =
  /(\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0e\ufe0f]?(?:\u200d\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0e\ufe0f]?)*|[#*0-9]\ufe0f\u20e3)|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

const UNIT = /[^]/g;

/**
 * Return a control character's picture, or another's JSON escape.
 * @param {string} character
 */
const picture = (character) => {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return character.replace(
    UNIT,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
};

// A result of `picture`, or the beginning of one.
const PICTURE = /[\u2400-\u241f]|\\(?:u[0-9a-f]{0,4})?/i;

/**
 * Return the longest piece of a shown text without pictures.
 *
 * That piece is certainly in the text that was sent.
 * @param {string} text
 */
export const sentPiece = (text) =>
  text
    .split(PICTURE)
    .reduce((one, other) => (other.length > one.length ? other : one));

/**
 * Return a text with its invisible characters replaced.
 * @param {string} text
 * @param {string} kept Characters that are not replaced.
 */
const visible = (text, kept) =>
  text.replace(SPECIAL, (character, emoji) =>
    emoji || kept.includes(character) ? character : picture(character),
  );

/**
 * Return a visible text in one line, of limited length.
 * @param {string} text
 * @param {number} length In characters.
 */
export const visibleLine = (text, length) => visible(cut(text, length), "");

/**
 * Return a visible text with lines, of limited length.
 * @param {string} text
 * @param {number} length In characters.
 */
export const visibleText = (text, length) => visible(cut(text, length), "\n\t");

/**
 * Return the beginning of a text, with dots where cut.
 *
 * Never cuts a surrogate pair in half.
 * @param {string} text
 * @param {number} length
 */
const cut = (text, length) => {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  const isHalf = last >= 0xd800 && last < 0xdc00;
  return `${text.slice(0, isHalf ? length - 1 : length)}…`;
};
