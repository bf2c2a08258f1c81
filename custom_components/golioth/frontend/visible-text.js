/** What a device has sent, as text that can be shown. It is only ever set as `textContent`. */

// Escape sequences of terminals begin with one of these, and most fonts have nothing to show for them.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

const NOT_IN_LINES = /[\n\t]/;

const picture = (character) => {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `\\x${code.toString(16)}`;
};

/** Return at most so many characters of a text, in one line, its control characters as pictures of them. */
export const visibleLine = (text, length) =>
  cut(text, length).replace(CONTROL, picture);

/** Return at most so many characters of a text; lines and tabs stay what they are. */
export const visibleText = (text, length) =>
  cut(text, length).replace(CONTROL, (character) =>
    NOT_IN_LINES.test(character) ? character : picture(character),
  );

/** Return the beginning of a text, which ends with dots where there is more, and in no half of a character. */
const cut = (text, length) => {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  const isHalf = last >= 0xd800 && last < 0xdc00;
  return `${text.slice(0, isHalf ? length - 1 : length)}…`;
};
