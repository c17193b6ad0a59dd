// A talk as files: JSON, subtitles, and sound with the transcript in it.

import { RATE } from "./recording.js";

/** Everything that is known of a talk, for programs. Times are seconds of the take. */
export function toJson(talk) {
  const { ready, settings, segments, marks } = talk;
  const known = {
    model: ready?.model ?? null,
    settings,
    seconds: talk.seconds,
    text: transcript(talk),
    segments: segments.map(({ corrections, ...segment }) => segment),
    events: marks,
  };
  return `${JSON.stringify(known, rounded, 2)}\n`;
}

/** The words of a talk. */
export function transcript(talk) {
  return talk.segments.map((segment) => segment.text).join(" ");
}

/** Subtitles in SubRip's format: at most two lines of 42 characters each, as broadcasters do. */
export function toSrt(talk) {
  return cues(talk)
    .map(({ start, end, lines }, i) => `${i + 1}\n${srtTime(start)} --> ${srtTime(end)}\n${lines.join("\n")}\n`)
    .join("\n");
}

const LINE = 42;
const LONGEST = 6;
const SHORTEST = 1;

function cues(talk) {
  const result = [];
  for (const segment of talk.segments) {
    let words = [];
    for (const word of wordsOf(segment)) {
      const whole = [...words, word];
      if (words.length > 0 && (broken(whole).length > 2 || word.end - words[0].start > LONGEST)) {
        result.push(cue(words));
        words = [word];
      } else words = whole;
    }
    if (words.length > 0) result.push(cue(words));
  }
  // A cue of one short word would only flash. It may stay until the next one.
  for (const [i, each] of result.entries()) {
    const next = result[i + 1]?.start ?? Infinity;
    each.end = Math.min(Math.max(each.end, each.start + SHORTEST), Math.max(next, each.start));
  }
  return result;
}

function wordsOf({ words, text, start, end }) {
  return words.length > 0 ? words : [{ text, start, end }];
}

function cue(words) {
  return { start: words[0].start, end: words.at(-1).end, lines: broken(words) };
}

function broken(words) {
  const lines = [];
  for (const { text } of words) {
    if (lines.length > 0 && lines.at(-1).length + 1 + text.length <= LINE) lines.push(`${lines.pop()} ${text}`);
    else lines.push(text);
  }
  return lines;
}

function srtTime(seconds) {
  const whole = Math.round(seconds * 1000);
  const part = (value, digits) => String(Math.floor(value)).padStart(digits, "0");
  return `${part(whole / 3600000, 2)}:${part((whole / 60000) % 60, 2)}:${part((whole / 1000) % 60, 2)},${part(whole % 1000, 3)}`;
}

/**
 * The sound as a WAV file, 16 kHz mono, with the transcript in it: a cue point with a label for each final, and the
 * whole text as the comment of the file ("cue ", "LIST adtl" and "LIST INFO" of RIFF).
 *
 * @param {import("./recording.js").Recording} recording
 * @param {import("./talk.js").Talk} talk
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function toWav(recording, talk) {
  const pcm = recording.pcm();
  const from = recording.keptFrom;
  const points = talk.segments
    .filter((segment) => segment.start >= from)
    .map(({ start, end, text }, i) => {
      const at = Math.min(Math.round((start - from) * RATE), pcm.length);
      return { id: i + 1, at, length: Math.max(0, Math.min(Math.round((end - from) * RATE), pcm.length) - at), text };
    });
  const chunks = [
    chunk("fmt ", u16(1, 1), u32(RATE, RATE * 2), u16(2, 16)),
    chunk("data", new Uint8Array(pcm.buffer)),
    chunk("cue ", u32(points.length), ...points.map(({ id, at }) => join(u32(id, at), ascii("data"), u32(0, 0, at)))),
    chunk("LIST", ascii("adtl"), ...points.flatMap(labels)),
    chunk("LIST", ascii("INFO"), chunk("ISFT", zero("Auricle")), chunk("ICMT", zero(transcript(talk)))),
  ];
  return chunk("RIFF", ascii("WAVE"), ...chunks);
}

// The text as a label, and the stretch of sound that it stands for.
function labels({ id, length, text }) {
  return [
    chunk("labl", u32(id), zero(text)),
    chunk("ltxt", u32(id, length), ascii("scrp"), u16(0, 0, 0, 0)),
  ];
}

function chunk(name, ...parts) {
  const body = join(...parts);
  // Chunks begin at even places.
  return join(ascii(name), u32(body.length), body, new Uint8Array(body.length % 2));
}

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function numbers(values, bytes, method) {
  const view = new DataView(new ArrayBuffer(values.length * bytes));
  for (const [i, value] of values.entries()) view[method](i * bytes, value, true);
  return new Uint8Array(view.buffer);
}

const u16 = (...values) => numbers(values, 2, "setUint16");
const u32 = (...values) => numbers(values, 4, "setUint32");
const ascii = (text) => new TextEncoder().encode(text);
const zero = (text) => new TextEncoder().encode(`${text}\0`);

// Times to a tenth of a millisecond, as on the wire: sums of doubles have longer tails.
function rounded(_, value) {
  return typeof value === "number" ? Math.round(value * 10000) / 10000 : value;
}
