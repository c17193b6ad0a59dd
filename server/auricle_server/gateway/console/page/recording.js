// The sound of one take: 16 kHz mono, heard by every stream of the take, with its level every 20 ms.

export const RATE = 16000;
/** Seconds of sound that one value of `levels` covers. */
export const LEVEL_STEP = 0.02;
/** Seconds of sound that are kept for the export. Levels are kept for the whole take. */
export const KEPT_SECONDS = 3600;

const FRAME = RATE * LEVEL_STEP;
// When each piece was heard: enough for the slowest final, and small however long the take.
const REMEMBERED_PIECES = 6000;

export class Recording extends EventTarget {
  #pieces = [];
  #firstKept = 0; // samples before the first piece that is still kept
  #heard = []; // [seconds of the take at the end of a piece, milliseconds of the clock]
  #peak = 0;
  #inFrame = 0;
  #levels = new Float32Array(4096);
  #count = 0;

  /** Samples of the take so far. */
  samples = 0;

  /** Seconds of the take so far. */
  get seconds() {
    return this.samples / RATE;
  }

  /** The number of levels so far: one for every 20 ms that are complete. */
  get levelCount() {
    return this.#count;
  }

  /** The peak, 0 to 1, of the 20 ms from `index * LEVEL_STEP` on; 0 where there is no sound yet. */
  level(index) {
    return index >= 0 && index < this.#count ? this.#levels[index] : 0;
  }

  /**
   * Appends sound, and dispatches "audio" with `{from, to}` in seconds.
   *
   * @param {Int16Array} pcm 16 kHz mono.
   * @param {number|null} heardAt Milliseconds of `performance.now()`; null for a file that is not played in real time.
   */
  append(pcm, heardAt = performance.now()) {
    const from = this.seconds;
    this.#pieces.push(pcm);
    this.samples += pcm.length;
    this.#forget();
    this.#measure(pcm);
    if (heardAt !== null) {
      this.#heard.push([this.seconds, heardAt]);
      if (this.#heard.length > REMEMBERED_PIECES) this.#heard.splice(0, REMEMBERED_PIECES / 2);
    }
    this.dispatchEvent(new CustomEvent("audio", { detail: { from, to: this.seconds } }));
  }

  /** When the sound up to a second of the take had been heard: milliseconds of the clock, or null when unknown. */
  heardAt(seconds) {
    let low = 0;
    let high = this.#heard.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      // Times of the wire are rounded to a tenth of a millisecond.
      if (this.#heard[middle][0] < seconds - 0.0002) low = middle + 1;
      else high = middle;
    }
    return this.#heard[low]?.[1] ?? null;
  }

  /** The second of the take from which on sound is kept. */
  get keptFrom() {
    return this.#firstKept / RATE;
  }

  /** The kept sound as one array. */
  pcm() {
    const whole = new Int16Array(this.samples - this.#firstKept);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  #forget() {
    while (this.samples - this.#firstKept - this.#pieces[0].length > KEPT_SECONDS * RATE) {
      this.#firstKept += this.#pieces.shift().length;
    }
  }

  #measure(pcm) {
    for (const sample of pcm) {
      const loud = Math.abs(sample);
      if (loud > this.#peak) this.#peak = loud;
      if (++this.#inFrame === FRAME) this.#keepLevel();
    }
  }

  #keepLevel() {
    if (this.#count === this.#levels.length) {
      const larger = new Float32Array(this.#count * 2);
      larger.set(this.#levels);
      this.#levels = larger;
    }
    this.#levels[this.#count++] = this.#peak / 32768;
    this.#peak = 0;
    this.#inFrame = 0;
  }
}
