/** The last minutes of a server's figures. */

/** Seconds that are kept. */
export const WINDOW = 300;
/** Seconds without a sample after which a line is broken: nobody knows what was between. */
export const GAP = 5;

/** Samples of the last `WINDOW` seconds. */
export class History {
  /** @type {{time: number, values: object}[]} Ascending. */
  samples = [];

  /**
   * @param {number} time Seconds of a clock that never goes back.
   * @param {Record<string, number|null>} values
   */
  push(time, values) {
    this.samples.push({ time, values });
    const old = this.samples.findIndex((sample) => sample.time >= time - WINDOW - GAP);
    if (old > 0) this.samples.splice(0, old);
  }

  /** The newest value of a name; null where there is none. */
  last(name) {
    return this.samples.at(-1)?.values[name] ?? null;
  }

  /** How much a count has grown in the last seconds, or since the oldest sample; null without one. */
  increase(name, seconds) {
    const now = this.samples.at(-1);
    const before = this.samples.find(({ time, values }) => time >= now.time - seconds && (values[name] ?? null) !== null);
    // A count that is lower than before belongs to a server that was started anew.
    return before ? Math.max(0, now.values[name] - before.values[name]) : null;
  }

  /** The largest of a name; null where there is none. */
  most(name) {
    const known = this.samples.map(({ values }) => values[name] ?? null).filter((value) => value !== null);
    return known.length ? Math.max(...known) : null;
  }

  /**
   * A name's points, in pieces that were seen without a gap.
   *
   * @returns {{time: number, value: number}[][]}
   */
  pieces(name) {
    const pieces = [];
    let before = -Infinity;
    for (const { time, values } of this.samples) {
      const value = values[name] ?? null;
      if (value === null) {
        before = -Infinity;
        continue;
      }
      if (time - before > GAP) pieces.push([]);
      pieces.at(-1).push({ time, value });
      before = time;
    }
    return pieces;
  }
}
