/** The map between seconds of a stream and pixels of a time line. Knows no page and no clock. */

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

/** The part of a stream that is to be seen: `seconds` of it from `start` on, over `width` pixels. */
export class TimeScale {
  /** Fewest and most seconds that may be seen at once. */
  static FEWEST = 0.5;
  static MOST = 4 * 3600;

  /**
   * @param {object} view
   * @param {number} [view.start] Second at the left edge; may be negative, when there is less audio than room.
   * @param {number} [view.seconds] Seconds that are to be seen.
   * @param {number} [view.width] Pixels, at least 1.
   */
  constructor({ start = 0, seconds = 12, width = 1 } = {}) {
    this.start = start;
    this.seconds = clamp(seconds, TimeScale.FEWEST, TimeScale.MOST);
    this.width = Math.max(1, width);
  }

  /** Second at the right edge. */
  get end() {
    return this.start + this.seconds;
  }

  /** Pixels of one second. */
  get pixelsPerSecond() {
    return this.width / this.seconds;
  }

  /** Pixel of a second. */
  x(time) {
    return (time - this.start) * this.pixelsPerSecond;
  }

  /** Second at a pixel. */
  time(x) {
    return this.start + x / this.pixelsPerSecond;
  }

  /** The scale for another width: the left edge and the size of a second stay. */
  resized(width) {
    const seconds = (this.seconds * Math.max(1, width)) / this.width;
    return new TimeScale({ start: this.start, seconds, width });
  }

  /** The scale with `factor` times as many seconds; the second at pixel `x` stays where it is. */
  zoomed(factor, x) {
    const fixed = this.time(x);
    const seconds = clamp(this.seconds * factor, TimeScale.FEWEST, TimeScale.MOST);
    return new TimeScale({ start: fixed - (x / this.width) * seconds, seconds, width: this.width });
  }

  /** The scale moved by some seconds, later for positive ones. */
  moved(seconds) {
    return new TimeScale({ start: this.start + seconds, seconds: this.seconds, width: this.width });
  }

  /** The scale with a second at a share of the width. */
  centred(time, share) {
    return new TimeScale({ start: time - share * this.seconds, seconds: this.seconds, width: this.width });
  }

  /** How a time line follows a live stream: from the first second on, and then with `now` at a share of the width. */
  following(now, share) {
    return new TimeScale({ start: Math.max(0, now - share * this.seconds), seconds: this.seconds, width: this.width });
  }

  /** The scale kept near the audio: half of the width may be empty before 0 and after `duration`. */
  held(duration) {
    const half = this.seconds / 2;
    const start = clamp(this.start, Math.min(0, duration - this.seconds, -half), Math.max(-half, duration - half));
    return new TimeScale({ start, seconds: this.seconds, width: this.width });
  }
}

/** A number kept between two others. */
export function clamp(value, least, most) {
  return Math.min(most, Math.max(least, value));
}

/**
 * The seconds that an axis names: round ones, at least `gap` pixels apart, none before 0.
 *
 * @param {TimeScale} scale
 * @param {number} gap Pixels.
 * @returns {{step: number, times: number[]}}
 */
export function ticks(scale, gap) {
  const step = STEPS.find((each) => each * scale.pixelsPerSecond >= gap) ?? STEPS.at(-1);
  const times = [];
  for (let number = Math.max(0, Math.ceil(scale.start / step)); number * step <= scale.end; number += 1) {
    times.push(round(number * step));
  }
  return { step, times };
}

/** How an axis with steps of `step` seconds names a second: `1:05`, `1:05.25`, `1:02:03`. */
export function clock(time, step = 1) {
  const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
  const unit = 10 ** digits;
  const whole = Math.round(time * unit);
  const seconds = whole / unit;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const rest = (seconds % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/**
 * The chunk boundaries that are to be seen, for settings that change now and then.
 *
 * @param {{from: number, first: number, step: number}[]} grids Ascending; each holds from `from` until the next one.
 *   `first` is a boundary of it, `step` the seconds between two.
 * @param {TimeScale} scale
 * @param {number} gap Boundaries closer than this many pixels are left out.
 * @returns {number[]}
 */
export function boundaries(grids, scale, gap) {
  const found = [];
  grids.forEach((grid, index) => {
    if (!(grid.step > 0) || grid.step * scale.pixelsPerSecond < gap) return;
    const from = Math.max(grid.from, scale.start);
    const until = Math.min(grids[index + 1]?.from ?? Infinity, scale.end);
    for (let number = Math.ceil((from - grid.first) / grid.step - 1e-9); ; number += 1) {
      const time = grid.first + number * grid.step;
      if (time >= until) break;
      if (time >= 0) found.push(round(time));
    }
  });
  return found;
}

/** Index of the first element of an ascending list whose `key` is at least `value`; the length if there is none. */
export function firstFrom(list, value, key = (each) => each.time) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(list[middle]) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function round(seconds) {
  return Math.round(seconds * 1e6) / 1e6;
}
