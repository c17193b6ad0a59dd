/** The colours and fonts of a time line, as its style sheet gives them at this moment. */

const COLORS = ["ink", "muted", "faint", "paper", "band", "voice", "quiet", "chance", "eager", "resumed", "end", "wrong", "doubt"];

/** Reads `--timeline-NAME` of an element for each colour, and its font. */
export class Theme {
  /** @param {HTMLElement} element */
  constructor(element) {
    this._probe = document.createElement("span");
    this._probe.hidden = true;
    element.append(this._probe);
    this.read();
  }

  /** Reads them anew, for example because it has become dark. */
  read() {
    for (const name of COLORS) {
      // A custom property may hold a function of the scheme, which only a property that takes colours works out.
      this._probe.style.color = `var(--timeline-${name})`;
      this[name] = getComputedStyle(this._probe).color;
    }
    this.family = getComputedStyle(this._probe).fontFamily;
  }

  /** A font of the canvas. */
  font(pixels, weight = 400) {
    return `${weight} ${pixels}px ${this.family}`;
  }
}

/**
 * Calls `changed` whenever the page's colours may have changed: the system's scheme, or an attribute of the page.
 *
 * @returns {() => void} Ends it.
 */
export function watchTheme(changed) {
  const leaving = new AbortController();
  const { signal } = leaving;
  for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"]) {
    matchMedia(query).addEventListener("change", changed, { signal });
  }
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "style", "data-theme"] });
  signal.addEventListener("abort", () => observer.disconnect());
  return () => leaving.abort();
}
