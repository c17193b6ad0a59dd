/** What the marks of a time line are called, and what a moment of it means in words. */

import { inWords } from "../settings.js";
import { clock, firstFrom } from "./scale.js";

/** Milliseconds as people read them: `87 ms`, `1.24 s`. */
export function milliseconds(value) {
  return value < 999.5 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(2)} s`;
}

/** A share of 1 as `67 %`. */
export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

const seconds = (value) => `${value.toFixed(2)} s`;

/**
 * How each kind of mark is shown: `line` is the line of labels it is written on (0 to 2), `color` names a colour of the
 * theme, `dash` makes its upright line a broken one, `short` and `long` are its labels, the longest that fits is taken,
 * and `text` is its sentence in the list of events.
 */
export const KINDS = {
  speech_started: {
    line: 1, color: "muted", upright: false, name: "speech began",
    short: () => "", long: () => "", text: () => "The first word of a turn began.",
  },
  turn_eager_end: {
    line: 1, color: "eager", dash: true, upright: true, name: "eager end",
    short: () => "eager", long: (mark) => `eager end ${percent(mark.probability)}`,
    text: (mark) => `The turn has probably ended (${percent(mark.probability)}): “${mark.text}”`,
  },
  turn_resumed: {
    line: 1, color: "resumed", dash: true, upright: true, name: "resumed",
    short: () => "resumed", long: () => "resumed",
    text: () => "The turn goes on: the eager end is withdrawn.",
  },
  turn_end: {
    line: 0, color: "end", upright: true, name: "turn end",
    short: () => "turn end",
    long: (mark) => (mark.speechEnd === undefined ? "turn end" : `turn end, ${seconds(mark.time - mark.speechEnd)} after speech`),
    text: (mark) => {
      const after = mark.speechEnd === undefined ? "" : `, ${seconds(mark.time - mark.speechEnd)} after speech ended`;
      return `The turn has ended${after}: “${mark.text}”`;
    },
  },
  final: {
    line: 2, color: "ink", upright: false, name: "final",
    short: (mark) => (mark.delayMs === null ? "final" : milliseconds(mark.delayMs)),
    long: (mark) => (mark.delayMs === null ? "final" : `final in ${milliseconds(mark.delayMs)}`),
    text: (mark) => {
      const pass = mark.refined ? ", by the second pass" : "";
      const delay = mark.delayMs === null ? "" : `, ${milliseconds(mark.delayMs)} after its last sound was heard`;
      return `Final${pass}${delay}: “${mark.text}”`;
    },
  },
  no_words: {
    line: 1, color: "muted", upright: false, name: "no words",
    short: () => "no words", long: () => "voice without words", text: () => "A voice was heard, but no word.",
  },
  language: {
    line: 1, color: "muted", upright: false, name: "language",
    short: (mark) => mark.language, long: (mark) => mark.language, text: (mark) => `The language is ${mark.language}.`,
  },
  update: {
    line: 0, color: "muted", dash: true, upright: true, name: "settings",
    short: () => "settings", long: (mark) => inWords(mark.changed ?? {}) || "settings",
    text: (mark) => `The settings were changed: ${inWords(mark.changed ?? {}) || "as they were before"}.`,
  },
  keyterms: {
    line: 0, color: "muted", upright: false, name: "key terms",
    short: () => "key terms", long: (mark) => `${mark.count} key terms`,
    text: (mark) => `Key terms in force: ${mark.count}.`,
  },
  stream: {
    line: 0, color: "muted", upright: true, name: "stream opened",
    short: () => "", long: () => "", text: () => "The stream was opened.",
  },
  cut: {
    line: 0, color: "wrong", upright: true, name: "connection lost",
    short: () => "cut", long: () => "connection lost", text: () => "The connection was lost.",
  },
  resumed: {
    line: 0, color: "end", upright: true, name: "connected again",
    short: () => "back", long: (mark) => `back after ${milliseconds(mark.tookMs)}`,
    text: (mark) => {
      const way = mark.replayed ? "A new stream has heard the sound again" : "The same stream goes on";
      const lost = mark.lostSeconds ? `words of ${seconds(mark.lostSeconds)} are lost` : "no word is lost";
      return `${way}, after ${milliseconds(mark.tookMs)}: ${lost}.`;
    },
  },
  error: {
    line: 0, color: "wrong", upright: true, name: "error",
    short: () => "error", long: (mark) => mark.code, text: (mark) => `Error ${mark.code}: ${mark.message}`,
  },
};

/** The kind of a mark; one that this page does not know is shown by its name. */
export function kindOf(mark) {
  const text = () => mark.kind;
  return KINDS[mark.kind] ?? { line: 0, color: "muted", upright: false, name: mark.kind, short: text, long: text, text };
}

/** A final as a mark: it stands where the server decided on it. */
export function finalMark(segment) {
  const { decided, delayMs, text, refined, start, end } = segment;
  return { kind: "final", time: decided, delayMs, text, refined, start, end };
}

/** A mark's row in the list of events: its time, its name and its sentence. */
export function describeMark(mark) {
  const kind = kindOf(mark);
  return { time: clock(mark.time, 0.01), name: kind.name, text: kind.text(mark) };
}

/**
 * A moment of a talk in one line of text.
 *
 * @param {object} talk
 * @param {object[]} words Ascending by `start`.
 * @param {number} time Second of the take.
 */
export function describeMoment(talk, words, time) {
  const parts = [clock(time, 0.01)];
  const word = words[firstFrom(words, time + 1e-9, (each) => each.start) - 1];
  if (word && time <= word.end) {
    parts.push(`“${word.text}”${word.confidence === undefined ? "" : `, right with ${percent(word.confidence)}`}`);
  }
  const signal = talk.signals[firstFrom(talk.signals, time)];
  if (signal) {
    if (signal.voice !== null) parts.push(`voice ${percent(signal.voice)}`);
    if (signal.silence !== null) parts.push(`silence ${seconds(signal.silence)}`);
    if (signal.turnEnd !== null) parts.push(`turn is over ${percent(signal.turnEnd)}`);
  }
  return parts.join(" · ");
}
