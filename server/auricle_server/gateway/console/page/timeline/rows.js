/** Draws the rows of a time line: the words, the sound, and the probability that the turn has ended. */

import { certainty } from "../words.js";
import { percent } from "./marks.js";
import { silences } from "./record.js";
import { firstFrom } from "./scale.js";

const BAR = 3;
const WIDEST_WORD = 240;
const VOICE_HEARD = 0.5;
const QUIETEST = 0.004;

/** Words in three lines, each over a bar that lasts as long as the word. */
export function paintWords(context, theme, row, { scale, record }, wordRows) {
  const placed = wordRows.place(record.words, scale.pixelsPerSecond);
  const offset = scale.start * scale.pixelsPerSecond;
  const from = firstFrom(record.words, scale.time(-WIDEST_WORD), (word) => word.start);
  const until = firstFrom(record.words, scale.end, (word) => word.start);
  context.font = theme.font(14);
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const each of placed.slice(from, until)) {
    paintWord(context, theme, row, each, offset, scale, theme.ink, certainty(each.word.confidence ?? 1));
  }
  for (const each of wordRows.placeInterim(record.interimWords())) {
    paintWord(context, theme, row, each, offset, scale, theme.muted, "sure");
  }
}

function paintWord(context, theme, row, { word, left, width, row: line }, offset, scale, color, sureness) {
  const x = left - offset;
  const top = row.top + Math.max(0, line) * row.line;
  context.fillStyle = color;
  if (width) context.fillText(word.text, x, top + row.line / 2 - 1);
  context.fillStyle = sureness === "doubtful" ? theme.wrong : sureness === "fair" ? theme.doubt : color;
  context.globalAlpha = sureness === "sure" ? 0.35 : 1;
  const bar = Math.max(1.5, (word.end - word.start) * scale.pixelsPerSecond - 1);
  context.fillRect(x, top + row.line - 3, bar, 2);
  context.globalAlpha = 1;
}

/** Levels as bars, in another colour where a voice was heard, and how long the silences lasted. */
export function paintSound(context, theme, row, { scale, record }, signals) {
  const middle = row.top + row.height / 2;
  const seconds = BAR / scale.pixelsPerSecond;
  const first = Math.max(0, Math.floor(scale.start / seconds));
  const last = Math.min(Math.ceil(scale.end / seconds), Math.ceil(record.peaks.duration / seconds));
  const [voice, quiet] = [new Path2D(), new Path2D()];
  let next = 0;
  for (let bar = first; bar < last; bar += 1) {
    const time = bar * seconds;
    // The signal of the chunk that this bar belongs to: the first that ends after the bar begins.
    while (next < signals.length && signals[next].time <= time) next += 1;
    const level = record.peaks.most(time, time + seconds);
    const half = level < QUIETEST ? 0.5 : Math.max(0.5, (level ** 0.6 * row.height) / 2);
    const heard = (signals[next]?.voice ?? 1) >= VOICE_HEARD && level >= QUIETEST;
    (heard ? voice : quiet).rect(scale.x(time), middle - half, BAR - 1, 2 * half);
  }
  context.fillStyle = theme.quiet;
  context.fill(quiet);
  context.fillStyle = theme.voice;
  context.fill(voice);
  paintSilences(context, theme, row, scale, signals);
}

function paintSilences(context, theme, row, scale, signals) {
  const y = Math.round(row.top + row.height) - 9.5;
  context.font = theme.font(11);
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  context.lineWidth = 1;
  context.strokeStyle = context.fillStyle = theme.muted;
  for (const { start, end } of silences(signals)) {
    const [left, right] = [Math.max(scale.x(start), -20), Math.min(scale.x(end), scale.width + 20)];
    context.beginPath();
    for (const x of [left, right - 1]) {
      context.moveTo(x, y - 3);
      context.lineTo(x, y + 3);
    }
    context.moveTo(left, y);
    context.lineTo(right - 1, y);
    context.stroke();
    const label = `silence ${(end - start).toFixed(2)} s`;
    const shorter = `${(end - start).toFixed(1)} s`;
    const room = Math.min(right, scale.width) - Math.max(left, 0);
    const text = room > 92 ? label : room > 30 ? shorter : "";
    if (text) context.fillText(text, Math.max(left, 0) + room / 2, y - 6);
  }
  context.textAlign = "left";
}

/** For each chunk the probability that the turn has ended, and the thresholds as lines. */
export function paintChance(context, theme, row, { scale, record }, signals) {
  const bottom = row.top + row.height;
  context.fillStyle = theme.chance;
  signals.forEach((signal, index) => {
    if (signal.turnEnd === null || index === 0) return;
    const [left, right] = [scale.x(signals[index - 1].time), scale.x(signal.time)];
    const height = signal.turnEnd * row.height;
    context.fillRect(left + 0.5, bottom - height, Math.max(1, right - left - 1), height);
  });
  record.settings.forEach((settings, index) => {
    const from = Math.max(0, scale.x(settings.time));
    const until = Math.min(scale.width, scale.x(record.settings[index + 1]?.time ?? record.duration));
    if (until - from < 2) return;
    for (const [name, color] of [["end", theme.end], ["eager", theme.eager]]) {
      if (settings[name] !== null) paintThreshold(context, theme, row, settings[name], name, color, from, until);
    }
  });
}

function paintThreshold(context, theme, row, value, name, color, from, until) {
  const y = Math.round(row.top + row.height * (1 - value)) + 0.5;
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.setLineDash(name === "eager" ? [3, 3] : []);
  context.beginPath();
  context.moveTo(from, y);
  context.lineTo(until, y);
  context.stroke();
  context.setLineDash([]);
  if (until - from < 120) return;
  context.fillStyle = color;
  context.font = theme.font(11);
  context.textBaseline = "alphabetic";
  const label = name === "end" ? `ends at ${percent(value)}` : `eager at ${percent(value)}`;
  context.fillText(label, from + 4, value > 0.78 ? y + 12 : y - 4);
}
