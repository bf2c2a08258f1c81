/** Makes elements. Text is only ever text: nothing here parses HTML. */

/**
 * Return a new element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag Its name.
 * @param {Record<string, string | number>} attributes Its attributes, of which
 *   `class` is one.
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
 * Replace what is in an element.
 * @param {Element} target
 * @param {(Node | string)[]} children
 */
export const setChildren = (target, ...children) => {
  while (target.lastChild) target.lastChild.remove();
  target.append(...children);
};

/**
 * Set the text of an element that has nothing else. That costs the browser little, and
 * nothing where it is the same.
 * @param {Element} target
 * @param {string} text
 */
export const setText = (target, text) => {
  const node = target.firstChild;
  if (!(node instanceof Text)) target.textContent = text;
  else if (node.data !== text) node.data = text;
};

/**
 * Return a button with an icon of Home Assistant's.
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
 * Name a button that has no text.
 * @param {HTMLButtonElement} button
 * @param {string} name
 */
export const nameButton = (button, name) => {
  button.setAttribute("aria-label", name);
  button.title = name;
};
