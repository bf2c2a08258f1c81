/**
 * What a device has sent, as text that can be shown and copied. It is only ever set as
 * `textContent`.
 */

// Emoji, which may be several characters that are joined by one that is not seen; and
// all else that is not seen, or that changes how the text around it reads: control and
// format characters, ends of lines, halves of characters.
const SPECIAL =
  /(\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0e\ufe0f]?(?:\u200d\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0e\ufe0f]?)*|[#*0-9]\ufe0f\u20e3)|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

const UNIT = /[^]/g;

/**
 * Return a picture of a control character, and an escape of others, with which JSON
 * stays what it is.
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

// What `picture` makes, or the beginning of it.
const PICTURE = /[\u2400-\u241f]|\\(?:u[0-9a-f]{0,4})?/i;

/**
 * Return the longest piece of a shown text that surely is in what was sent, too.
 * @param {string} text
 */
export const sentPiece = (text) =>
  text
    .split(PICTURE)
    .reduce((one, other) => (other.length > one.length ? other : one));

/**
 * Return a text in which everything is seen, but characters that shall stay what they
 * are.
 * @param {string} text
 * @param {string} kept
 */
const visible = (text, kept) =>
  text.replace(SPECIAL, (character, emoji) =>
    emoji || kept.includes(character) ? character : picture(character),
  );

/**
 * Return at most so many characters of a text, in one line, what is not seen as
 * pictures or escapes of it.
 * @param {string} text
 * @param {number} length
 */
export const visibleLine = (text, length) => visible(cut(text, length), "");

/**
 * Return at most so many characters of a text; lines and tabs stay what they are.
 * @param {string} text
 * @param {number} length
 */
export const visibleText = (text, length) => visible(cut(text, length), "\n\t");

/**
 * Return the beginning of a text, which ends with dots where there is more, and in no
 * half of a character.
 * @param {string} text
 * @param {number} length
 */
const cut = (text, length) => {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  const isHalf = last >= 0xd800 && last < 0xdc00;
  return `${text.slice(0, isHalf ? length - 1 : length)}…`;
};
