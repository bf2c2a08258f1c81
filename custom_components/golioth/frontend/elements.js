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

/** Replace what is in an element. */
export const setChildren = (target, ...children) => {
  while (target.lastChild) target.lastChild.remove();
  target.append(...children);
};

/** Set the text of an element that has nothing else. That costs the browser little, and nothing where it is the same. */
export const setText = (target, text) => {
  const node = target.firstChild;
  if (node === null) target.textContent = text;
  else if (node.data !== text) node.data = text;
};
