/** Draws the part of a talk that is to be seen. Nothing outside of it is looked at. */

import { paintChance, paintSound, paintWords } from "./rows.js";
import { paintMarks } from "./flags.js";
import { boundaries, clock, firstFrom, ticks } from "./scale.js";
import { WordRows } from "./words.js";

/** The rows from top to bottom, in pixels. Words have three lines, marks three lines of labels. */
export const ROWS = {
  axis: { top: 0, height: 18 },
  marks: { top: 20, height: 51, line: 17 },
  words: { top: 75, height: 63, line: 21 },
  sound: { top: 144, height: 54 },
  chance: { top: 206, height: 60 },
};
/** Pixels of the whole. */
export const HEIGHT = 272;

const NAMES = [
  [ROWS.marks, "events"],
  [ROWS.words, "words"],
  [ROWS.sound, "sound"],
  [ROWS.chance, "turn over?"],
];
const GUTTER = 84;
const NARROW = 560;
const GRID_GAP = 8;
const TICK_GAP = 72;

/** Pixels on the left that hold the names of the rows; none on a narrow screen, where the names lie on the rows. */
export function gutterOf(width) {
  return width < NARROW ? 0 : GUTTER;
}

export class Painter {
  /** @param {import("./theme.js").Theme} theme */
  constructor(theme) {
    this.theme = theme;
    this._widths = new Map();
    this._context = null;
    this.wordRows = new WordRows((text) => this.measure(text), { rows: 3, gap: 7 });
  }

  /** Takes over changed colours and fonts. */
  restyle() {
    this.theme.read();
    this._widths.clear();
    this.wordRows.clear();
  }

  /** Pixels of a text in the font of the words. */
  measure(text) {
    let width = this._widths.get(text);
    if (width === undefined) {
      this._context.font = this.theme.font(14);
      width = this._context.measureText(text).width;
      this._widths.set(text, width);
    }
    return width;
  }

  /**
   * @param {CanvasRenderingContext2D} context Whose unit is a CSS pixel.
   * @param {object} frame
   * @param {import("./record.js").TimeLineRecord} frame.record
   * @param {import("./scale.js").TimeScale} frame.scale Of the pixels right of the gutter.
   * @param {number} frame.width Pixels with the gutter.
   * @param {number|null} frame.cursor Second that is pointed at.
   */
  paint(context, frame) {
    this._context = context;
    const { scale, width, record } = frame;
    const gutter = gutterOf(width);
    context.clearRect(0, 0, width, HEIGHT);
    context.save();
    context.beginPath();
    context.rect(gutter, 0, width - gutter, HEIGHT);
    context.clip();
    context.translate(gutter, 0);
    this._bands(context, frame);
    this._grid(context, frame);
    const signals = record.signals(scale.start, scale.end);
    paintSound(context, this.theme, ROWS.sound, frame, signals);
    paintChance(context, this.theme, ROWS.chance, frame, signals);
    paintWords(context, this.theme, ROWS.words, frame, this.wordRows);
    paintMarks(context, this.theme, ROWS.marks, frame, { top: ROWS.marks.top, bottom: HEIGHT - 6 });
    this._edges(context, frame);
    if (record.duration === 0) this._invite(context, scale);
    context.restore();
    this._names(context, width, gutter);
  }

  _bands(context, { scale, record }) {
    context.fillStyle = this.theme.band;
    const left = Math.max(0, scale.x(0));
    const right = Math.min(scale.width, Math.max(left, scale.x(record.duration)));
    for (const row of [ROWS.words, ROWS.sound, ROWS.chance]) context.fillRect(left, row.top, right - left, row.height);
  }

  _grid(context, { scale, record }) {
    const { theme } = this;
    const shown = ticks(scale, TICK_GAP);
    context.font = theme.font(11);
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillStyle = theme.muted;
    context.strokeStyle = theme.muted;
    context.lineWidth = 1;
    context.beginPath();
    for (const time of shown.times) {
      const x = crisp(scale.x(time));
      context.moveTo(x, 4);
      context.lineTo(x, ROWS.axis.height);
      context.fillText(clock(time, shown.step), x + 4, 9);
    }
    context.stroke();
    context.strokeStyle = theme.faint;
    context.beginPath();
    for (const time of chunkEnds(record, scale)) {
      const x = crisp(scale.x(time));
      context.moveTo(x, ROWS.words.top);
      context.lineTo(x, HEIGHT - 6);
    }
    context.stroke();
  }

  _edges(context, { scale, record, cursor }) {
    const now = crisp(scale.x(record.duration));
    context.strokeStyle = this.theme.ink;
    context.lineWidth = 1;
    context.globalAlpha = 0.55;
    upright(context, now, ROWS.axis.height, HEIGHT);
    context.globalAlpha = 1;
    if (record.talk.state === "live" && now + 34 < scale.width) {
      context.fillStyle = this.theme.muted;
      context.font = this.theme.font(11);
      context.fillText("now", now + 5, ROWS.sound.top + ROWS.sound.height / 2);
    }
    if (cursor !== null) {
      context.strokeStyle = this.theme.muted;
      upright(context, crisp(scale.x(cursor)), 0, HEIGHT);
    }
  }

  _invite(context, scale) {
    context.font = this.theme.font(14);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = this.theme.muted;
    const lines = ["Sound, words and turns", "are drawn here as they come."];
    lines.forEach((line, index) => context.fillText(line, scale.width / 2, ROWS.words.top + 22 + 20 * index));
    context.textAlign = "left";
  }

  _names(context, width, gutter) {
    const { theme } = this;
    context.font = theme.font(12);
    context.textBaseline = "middle";
    if (gutter) {
      context.textAlign = "left";
      context.fillStyle = theme.muted;
      for (const [row, name] of NAMES) context.fillText(name, 2, row.top + row.height / 2);
      return;
    }
    context.textAlign = "right";
    for (const [row, name] of NAMES.slice(1)) {
      const size = context.measureText(name).width + 8;
      context.globalAlpha = 0.8;
      context.fillStyle = theme.paper;
      context.fillRect(width - size, row.top, size, 15);
      context.globalAlpha = 1;
      context.fillStyle = theme.muted;
      context.fillText(name, width - 4, row.top + 8);
    }
    context.textAlign = "left";
  }
}

/** Where chunks ended, and where the next ones will; none where they lie too close to be told apart. */
export function chunkEnds(record, scale) {
  const { signals } = record.talk;
  const from = firstFrom(signals, scale.start);
  const past = signals.slice(from, firstFrom(signals, scale.end)).map((signal) => signal.time);
  const room = past.length > 1 ? ((past.at(-1) - past[0]) / (past.length - 1)) * scale.pixelsPerSecond : Infinity;
  const ahead = record.gridAhead();
  const next = ahead ? boundaries([ahead], scale, GRID_GAP) : [];
  return room < GRID_GAP ? next : [...past, ...next];
}

/** The middle of a pixel: a line of one pixel is sharp there. */
export function crisp(x) {
  return Math.round(x) + 0.5;
}

function upright(context, x, top, bottom) {
  context.beginPath();
  context.moveTo(x, top);
  context.lineTo(x, bottom);
  context.stroke();
}
