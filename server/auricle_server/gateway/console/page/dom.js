// Small helpers for elements.

/** The element of an id, which must be on the page. */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element "${id}"`);
  return found;
}

/**
 * A new element.
 *
 * @param {string} name Of the tag, with classes: "p.quiet.small".
 * @param {Record<string, string|boolean|((event: Event) => void)>} [attributes] Functions become listeners of the event
 *   that they are named after; true is an attribute without a value, false none.
 * @param {...(Node|string)} children
 */
export function element(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  made.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** Offers a file for saving. */
export function save(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  element("a", { href: url, download: name }).click();
  // The browser has begun to read by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** 75.04 -> "1:15.0" */
export function clockTime(seconds) {
  const tenths = Math.floor(seconds * 10);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

/** 0.934 -> "93 %" */
export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/** 0.934 -> "93.4 %": for what is seldom far from 1. */
export function finePercent(share) {
  return `${(share * 100).toFixed(1)} %`;
}
