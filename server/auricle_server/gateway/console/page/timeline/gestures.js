/** Wheel, fingers and keys on a time line, as three calls: move, zoom and go. */

const WHEEL_ZOOM = 1.0015;
const LINE_PIXELS = 16;
const KEY_ZOOM = 1.5;
const DRAG_PIXELS = 3;

const KEYS = {
  ArrowLeft: (acts, shift) => acts.move(shift ? -0.5 : -0.1),
  ArrowRight: (acts, shift) => acts.move(shift ? 0.5 : 0.1),
  "+": (acts) => acts.zoom(1 / KEY_ZOOM, null),
  "=": (acts) => acts.zoom(1 / KEY_ZOOM, null),
  "-": (acts) => acts.zoom(KEY_ZOOM, null),
  Home: (acts) => acts.go("start"),
  End: (acts) => acts.go("live"),
  f: (acts) => acts.go("live"),
  0: (acts) => acts.go("whole"),
  n: (acts) => acts.step(1),
  p: (acts) => acts.step(-1),
};

/** For `aria-keyshortcuts`. */
export const KEY_NAMES = "ArrowLeft ArrowRight + - Home End F 0 N P";

/**
 * @param {HTMLElement} element That has the focus for keys.
 * @param {object} acts
 * @param {(share: number) => void} acts.move By a share of the width, later for positive ones.
 * @param {(factor: number, x: number|null) => void} acts.zoom Seconds times `factor`, around a pixel or the middle.
 * @param {(place: "start"|"live"|"whole") => void} acts.go
 * @param {(direction: 1|-1) => void} acts.step To the next mark, or the one before.
 * @param {(x: number|null) => void} acts.point At a pixel, or at nothing.
 */
export function listen(element, acts) {
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act(acts, event.shiftKey);
  });
  element.addEventListener("wheel", (event) => wheel(element, acts, event), { passive: false });
  new Fingers(element, acts);
}

// The page must scroll under a wheel that only passes by: zooming takes the focus, or Ctrl, as a pinched trackpad sends.
function wheel(element, acts, event) {
  const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PIXELS : 1;
  const aside = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  const zooms = event.ctrlKey || event.metaKey || document.activeElement === element;
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    acts.move((aside * unit) / element.clientWidth);
  } else if (zooms) {
    // A pinch comes as small steps of the wheel.
    acts.zoom(WHEEL_ZOOM ** (event.deltaY * unit * (event.ctrlKey ? 5 : 1)), event.offsetX);
  } else {
    return;
  }
  event.preventDefault();
}

/** One finger, or the mouse, moves; two zoom. */
class Fingers {
  constructor(element, acts) {
    this._element = element;
    this._acts = acts;
    this._down = new Map();
    this._from = null;
    element.addEventListener("pointerdown", (event) => this._press(event));
    element.addEventListener("pointermove", (event) => this._move(event));
    for (const type of ["pointerup", "pointercancel"]) element.addEventListener(type, (event) => this._lift(event));
    element.addEventListener("pointerleave", () => this._down.size || acts.point(null));
  }

  _press(event) {
    if (event.button !== 0) return;
    this._down.set(event.pointerId, event.offsetX);
    this._from = event.offsetX;
    this._element.setPointerCapture(event.pointerId);
    this._acts.point(event.offsetX);
  }

  _move(event) {
    const before = this._down.get(event.pointerId);
    if (before === undefined) {
      this._acts.point(event.offsetX);
      return;
    }
    if (this._down.size === 2) {
      const other = [...this._down].find(([id]) => id !== event.pointerId)[1];
      const [was, is] = [Math.abs(before - other), Math.abs(event.offsetX - other)];
      this._acts.zoom(Math.max(1, was) / Math.max(1, is), (event.offsetX + other) / 2);
    } else if (this._from === null || Math.abs(event.offsetX - this._from) > DRAG_PIXELS) {
      this._from = null;
      this._acts.move((before - event.offsetX) / this._element.clientWidth);
    } else {
      return; // a press that has not moved yet: the place where it began stays
    }
    this._down.set(event.pointerId, event.offsetX);
  }

  _lift(event) {
    this._down.delete(event.pointerId);
    if (event.pointerType !== "mouse") this._from = null;
  }
}
