/** Small plots of the last five minutes. */

import { WINDOW } from "./history.js";

const WIDTH = 300;
const HEIGHT = 110;
const AREA = { left: 46, right: 8, top: 8, bottom: 20 };
const MINUTES = [5, 4, 3, 2, 1, 0];
const SVG = "http://www.w3.org/2000/svg";

/**
 * The upper end of an axis that begins at 0, and its steps: 1, 2 or 5 times a power of ten, two to five of them.
 *
 * @param {number} most The largest value; 0 or less gives an axis up to `least`.
 * @param {number} least The lowest upper end.
 */
export function niceAxis(most, least) {
  const top = Math.max(most, least);
  const power = 10 ** Math.floor(Math.log10(top / 2));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => top / each <= 4) ?? 10 * power;
  const count = Math.ceil(top / step - 1e-9);
  return { top: count * step, ticks: Array.from({ length: count + 1 }, (_, number) => number * step) };
}

/** The path of an SVG for pieces of a line. */
export function linePath(pieces, x, y) {
  const point = ({ time, value }) => `${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
  return pieces
    // A line of one point would not be seen.
    .map((piece) => (piece.length === 1 ? `M${point(piece[0])}h0.1` : `M${piece.map(point).join("L")}`))
    .join("");
}

/** A number of an axis or a figure, with as many digits as matter. */
export function figure(value, unit = "") {
  if (value === null) return "–";
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return unit ? `${text} ${unit}` : text;
}

function svg(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A plot of one or two lines. */
export class Plot {
  /**
   * @param {object} of
   * @param {string} of.title
   * @param {string} [of.unit] Of its values.
   * @param {number} of.least Lowest upper end of the axis.
   * @param {{name: string, label: string}[]} of.lines `name` is that of the history; the first is drawn strongest.
   */
  constructor({ title, unit = "", least, lines }) {
    Object.assign(this, { title, unit, least, lines });
    this._grid = svg("g", { class: "plot-grid" });
    this._paths = lines.map((_, index) => svg("path", { class: `plot-line plot-line-${index}`, fill: "none" }));
    this._picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", class: "plot" });
    this._picture.append(this._grid, ...[...this._paths].reverse());
    this._value = document.createElement("strong");
    const name = document.createElement("span");
    name.textContent = title;
    const caption = document.createElement("figcaption");
    caption.append(name, " ", this._value);
    this.element = document.createElement("figure");
    this.element.className = "plot-frame";
    this.element.append(caption, this._picture, ...this._keys());
  }

  /** Draws a history as it is at a moment of its clock. */
  draw(history, now) {
    const most = Math.max(0, ...this.lines.map(({ name }) => history.most(name) ?? 0));
    const axis = niceAxis(most, this.least);
    const x = (time) => AREA.left + (WIDTH - AREA.left - AREA.right) * (1 - (now - time) / WINDOW);
    const y = (value) => HEIGHT - AREA.bottom - ((HEIGHT - AREA.top - AREA.bottom) * value) / axis.top;
    this._drawAxes(axis, x, y, now);
    const from = now - WINDOW;
    this.lines.forEach(({ name }, index) => {
      const pieces = history.pieces(name).map((piece) => piece.filter(({ time }) => time >= from)).filter((piece) => piece.length);
      this._paths[index].setAttribute("d", linePath(pieces, x, y));
    });
    const last = history.last(this.lines[0].name);
    this._value.textContent = figure(last, this.unit);
    const highest = figure(history.most(this.lines[0].name), this.unit);
    this._picture.setAttribute("aria-label", `${this.title}, last five minutes: now ${figure(last, this.unit)}, at most ${highest}`);
  }

  _drawAxes(axis, x, y, now) {
    // The minutes stay; the values change when another axis is needed.
    if (this._top === axis.top) return;
    this._top = axis.top;
    const [left, right] = [AREA.left, WIDTH - AREA.right];
    const rows = axis.ticks.flatMap((tick) => [
      svg("line", { x1: left, x2: right, y1: y(tick), y2: y(tick) }),
      svg("text", { x: left - 5, y: y(tick) + 3.5, "text-anchor": "end" }, figure(tick)),
    ]);
    const columns = MINUTES.flatMap((minutes) => {
      const at = x(now - 60 * minutes);
      const anchor = minutes === 0 ? "end" : minutes === 5 ? "start" : "middle";
      const label = minutes === 0 ? "now" : minutes === 5 ? "5 min ago" : minutes < 4 ? `${minutes} min` : "";
      return [
        svg("line", { x1: at, x2: at, y1: y(0), y2: y(0) + 3 }),
        svg("text", { x: at, y: HEIGHT - 6, "text-anchor": anchor }, label),
      ];
    });
    this._grid.replaceChildren(...rows, ...columns);
  }

  _keys() {
    if (this.lines.length < 2) return [];
    const list = document.createElement("ul");
    list.className = "plot-keys";
    this.lines.forEach(({ label }, index) => {
      const item = document.createElement("li");
      item.className = `plot-key plot-key-${index}`;
      item.textContent = label;
      list.append(item);
    });
    return [list];
  }
}
