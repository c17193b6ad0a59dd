/** Loudness of a stream at every zoom: the largest level of any range, without a look at each level of it. */

const FANOUT = 8;

/** Levels at equal distances. Each further layer keeps the largest of `FANOUT` levels of the one below. */
export class Peaks {
  /** @param {number} step Seconds between two levels. */
  constructor(step) {
    this.step = step;
    this._layers = [[]];
  }

  /** Number of levels. */
  get length() {
    return this._layers[0].length;
  }

  /** Seconds that the levels cover. */
  get duration() {
    return this.length * this.step;
  }

  /** Adds a level, 0 to 1. */
  push(level) {
    let index = this.length;
    this._layers[0].push(level);
    for (let depth = 1; ; depth += 1) {
      index = Math.floor(index / FANOUT);
      if (depth === this._layers.length) {
        if (index === 0) return;
        this._layers.push([Math.max(...this._layers[depth - 1].slice(0, FANOUT))]);
      }
      const layer = this._layers[depth];
      layer[index] = Math.max(layer[index] ?? 0, level);
    }
  }

  /** The largest level between two seconds, 0 where there is none. */
  most(from, until) {
    if (until <= 0) return 0;
    let low = Math.max(0, Math.floor(from / this.step));
    let high = Math.min(this.length, Math.max(low + 1, Math.ceil(until / this.step)));
    let most = 0;
    for (let depth = 0; low < high; depth += 1) {
      const layer = this._layers[depth];
      const top = depth === this._layers.length - 1;
      while (low < high && (top || low % FANOUT)) most = Math.max(most, layer[low++]);
      while (low < high && high % FANOUT) most = Math.max(most, layer[--high]);
      low /= FANOUT;
      high /= FANOUT;
    }
    return most;
  }
}
