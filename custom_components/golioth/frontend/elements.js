/** Makes elements. Text is only ever text: nothing here parses HTML. */

/**
 * Return a new element.
 * @param tag Its name.
 * @param attributes Its attributes; those that are false are left out. `class` is one of them.
 * @param children Elements and texts.
 */
export const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== false) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

/** Set a text, if it is another one: that costs the browser nothing, where it is the same. */
export const setText = (target, text) => {
  if (target.textContent !== text) target.textContent = text;
};
