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

/** Calls `changed` whenever the page's colours may have changed: the system's scheme, or an attribute of the page. */
export function watchTheme(changed) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const contrast = matchMedia("(prefers-contrast: more)");
  dark.addEventListener("change", changed);
  contrast.addEventListener("change", changed);
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "style", "data-theme", "data-scheme"] });
  return () => {
    dark.removeEventListener("change", changed);
    contrast.removeEventListener("change", changed);
    observer.disconnect();
  };
}
