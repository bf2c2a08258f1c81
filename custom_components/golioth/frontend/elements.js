/** Makes elements without ever parsing HTML. */

/**
 * Return a new element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes Attributes by name, with `class`.
 * @param {(Node | string)[]} children
 */
export const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    made.setAttribute(name, `${value}`);
  made.append(...children);
  return made;
};

/**
 * Replace the children of an element.
 * @param {Element} target
 * @param {(Node | string)[]} children
 */
export const setChildren = (target, ...children) => {
  while (target.lastChild) target.lastChild.remove();
  target.append(...children);
};

/**
 * Set the text of an element without other children.
 *
 * Reuses the text node, and changes nothing where the text is the same: it runs often.
 * @param {Element} target
 * @param {string} text
 */
export const setText = (target, text) => {
  const node = target.firstChild;
  if (!(node instanceof Text)) target.textContent = text;
  else if (node.data !== text) node.data = text;
};

/**
 * Return a button with one of Home Assistant's icons.
 * @param {string} icon
 * @param {() => void} onClick
 */
export const iconButton = (icon, onClick) => {
  const button = element(
    "button",
    { type: "button", class: "icon" },
    element("ha-icon", { icon }),
  );
  button.addEventListener("click", onClick);
  return button;
};

/**
 * Set the accessible name of an icon button.
 * @param {HTMLButtonElement} button
 * @param {string} name
 */
export const nameButton = (button, name) => {
  button.setAttribute("aria-label", name);
  button.title = name;
};
