/** Makes elements of the page. */

/**
 * @param {string} name
 * @param {object} [attributes] `text` is the content; others are set as they are.
 * @param {(Node|string)[]} [children]
 */
export function element(name, { text, ...attributes } = {}, children = []) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A button that does something. */
export function button(text, label, act) {
  const made = element("button", { type: "button", text });
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}
