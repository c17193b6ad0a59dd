/** What a time line keeps of a talk, in the order in which it is drawn: all of it ascending in time. */

import { finalMark } from "./marks.js";
import { Peaks } from "./peaks.js";
import { firstFrom } from "./scale.js";
import { spreadWords } from "./words.js";

/** Seconds of silence below which a gap between two words is no silence worth showing. */
export const LEAST_SILENCE = 0.12;

export class TimeLineRecord {
  /**
   * @param {import("../talk.js").Talk} talk
   * @param {number} levelStep Seconds that one level of the talk's recording covers.
   */
  constructor(talk, levelStep) {
    this.talk = talk;
    this.peaks = new Peaks(levelStep);
    /** Words of the finals. */
    this.words = [];
    /** Marks and finals. */
    this.marks = [];
    /** `{time, thresholds}` from each change of the turn settings on. */
    this.settings = [];
    this._segments = 0;
    this._marks = 0;
    this.keepSettings(0);
  }

  /** Seconds of the take. */
  get duration() {
    return this.talk.seconds;
  }

  /** Takes over what the talk has got since the last call. */
  sync() {
    const { recording, segments, marks } = this.talk;
    while (this.peaks.length < recording.levelCount) this.peaks.push(recording.level(this.peaks.length));
    for (const segment of segments.slice(this._segments)) {
      this.words.push(...wordsOf(segment).map((word) => ({ ...word, refined: segment.refined })));
      insert(this.marks, finalMark(segment));
    }
    for (const mark of marks.slice(this._marks)) insert(this.marks, mark);
    this._segments = segments.length;
    this._marks = marks.length;
  }

  /** The words so far of the segment that is open. */
  interimWords() {
    return this.talk.interim ? wordsOf(this.talk.interim) : [];
  }

  /** Keeps the thresholds that hold from a moment on. */
  keepSettings(time) {
    this.settings.push({ time, ...thresholds(this.talk.settings?.turn) });
  }

  /** The signals whose chunks touch a range of seconds, with one more on either side. */
  signals(from, until) {
    const all = this.talk.signals;
    const first = Math.max(0, firstFrom(all, from) - 1);
    return all.slice(first, firstFrom(all, until) + 1);
  }

  /** Where chunks end from the last known one on, for the grid ahead: `{from, first, step}`, or null when unknown. */
  gridAhead() {
    const { signals, ready, origin, settings } = this.talk;
    const chunks = ready?.chunks;
    const step = (settings?.latencyMs ?? 0) / 1000 || chunks?.step;
    if (!step) return null;
    const last = signals.at(-1);
    if (last && last.time >= origin) return { from: last.time, first: last.time, step };
    return chunks ? { from: origin, first: origin + chunks.first, step } : null;
  }
}

/**
 * The probabilities at which a turn ends, and at which it is said to end eagerly; null where there is no such end. In
 * silence mode the probability is the share of the silence that has passed, so a turn ends at 1.
 */
export function thresholds(turn) {
  if (!turn || turn.mode === "off") return { end: null, eager: null };
  if (turn.mode === "semantic") return { end: turn.endThreshold ?? 0.75, eager: turn.eagerThreshold ?? null };
  return { end: 1, eager: turn.eagerSilenceMs ? turn.eagerSilenceMs / (turn.silenceMs ?? 500) : null };
}

/**
 * The silences of some signals: each from where it began to the last chunk that it has lasted to.
 *
 * @param {{time: number, silence: number}[]} signals Ascending.
 * @returns {{start: number, end: number}[]}
 */
export function silences(signals) {
  const found = [];
  for (const { time, silence } of signals) {
    if (silence < LEAST_SILENCE) continue;
    const last = found.at(-1);
    const start = time - silence;
    if (last && start < last.end) last.end = time;
    else found.push({ start, end: time });
  }
  return found;
}

function wordsOf(segment) {
  return segment.words.length ? segment.words : spreadWords(segment.text, segment.start, segment.end);
}

// Marks come nearly in order: a turn's first word is known after it was spoken.
function insert(marks, mark) {
  let place = marks.length;
  while (place > 0 && marks[place - 1].time > mark.time) place -= 1;
  marks.splice(place, 0, mark);
}
