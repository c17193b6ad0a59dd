/** Places for the words of a time line: at their times, without one covering another. */

/**
 * @typedef {object} PlacedWord
 * @property {object} word The word, with `text`, `start` and `end`.
 * @property {number} left Pixels from second 0 to its start.
 * @property {number} width Pixels of its text; 0 where there is no room for it.
 * @property {number} row 0 is the upper row; -1 where there is no room for it.
 */

/**
 * Deals words out to rows. A word begins at its time, in the first row that is free there; where no row is free it gets no
 * text, and the time line marks its place only. Rows are dealt out from the first word of the stream on, so that no word
 * jumps while the view moves; new words are added to those that have a place, until the size of a second changes.
 */
export class WordRows {
  /**
   * @param {(text: string) => number} measure Pixels of a text.
   * @param {object} room
   * @param {number} room.rows
   * @param {number} room.gap Pixels between two words of a row.
   */
  constructor(measure, { rows, gap }) {
    this._measure = measure;
    this._rows = rows;
    this._gap = gap;
    this.clear();
  }

  /** Forgets all places, for example because the font has changed. */
  clear() {
    this._pixelsPerSecond = 0;
    this._placed = [];
    this._free = new Array(this._rows).fill(-Infinity);
  }

  /**
   * The places of words that stay. Only words at the end of the list may be new since the last call.
   *
   * @param {object[]} words Ascending by `start`.
   * @param {number} pixelsPerSecond
   * @returns {PlacedWord[]} One for each word, in the same order.
   */
  place(words, pixelsPerSecond) {
    if (pixelsPerSecond !== this._pixelsPerSecond || words.length < this._placed.length) {
      this.clear();
      this._pixelsPerSecond = pixelsPerSecond;
    }
    for (const word of words.slice(this._placed.length)) this._placed.push(this._deal(word, this._free));
    return this._placed;
  }

  /** The places of words that may still change, after those of `place`. */
  placeInterim(words) {
    const free = [...this._free];
    return words.map((word) => this._deal(word, free));
  }

  _deal(word, free) {
    const left = word.start * this._pixelsPerSecond;
    const row = free.findIndex((edge) => edge <= left);
    if (row < 0) return { word, left, width: 0, row };
    const width = this._measure(word.text);
    free[row] = left + width + this._gap;
    return { word, left, width, row };
  }
}

/**
 * Words with estimated times for a text that came without: each gets time by its length.
 *
 * @param {string} text
 * @param {number} start Start of the first word, seconds.
 * @param {number} end End of the last word, seconds.
 * @returns {{text: string, start: number, end: number}[]}
 */
export function spreadWords(text, start, end) {
  const words = text.split(/\s+/).filter(Boolean);
  const whole = words.reduce((sum, word) => sum + word.length + 1, 0);
  let before = 0;
  return words.map((word) => {
    const from = start + ((end - start) * before) / whole;
    before += word.length + 1;
    return { text: word, start: from, end: start + ((end - start) * before) / whole };
  });
}
