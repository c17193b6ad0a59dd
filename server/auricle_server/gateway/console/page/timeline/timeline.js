/** A live time line of one stream: sound, words, silence, turn ends and finals on the stream's own clock. */

import { element } from "../dom.js";
import { LEVEL_STEP } from "../recording.js";
import { EventList } from "./event_list.js";
import { KEY_NAMES, listen } from "./gestures.js";
import { describeMark, describeMoment } from "./marks.js";
import { HEIGHT, Painter, gutterOf } from "./painter.js";
import { TimeLineRecord } from "./record.js";
import { TimeScale, clamp, firstFrom } from "./scale.js";
import { Theme, watchTheme } from "./theme.js";

const SECONDS = 10;
const SECONDS_NARROW = 5;
const NARROW = 560;
/** Where the newest sound is while the time line follows the stream, as a share of the width. */
const LIVE_SHARE = 0.88;

const EVENTS = ["signal", "interim", "final", "mark", "state", "settings"];

const LEGEND = [
  ["voice", "sound with a voice in it"],
  ["quiet", "sound without"],
  ["chance", "probability that the turn is over, chunk by chunk"],
  ["eager", "eager end: probably over"],
  ["resumed", "resumed: not over after all"],
  ["end", "turn end"],
  ["ink", "final, and how long it took"],
  ["doubt", "line under a word: it may be wrong"],
  ["wrong", "connection lost"],
];

export class TimeLine {
  /**
   * @param {HTMLElement} place Gets the time line as a further child.
   * @param {import("../talk.js").Talk} talk
   * @param {string} [name] Of the stream, where a page has several.
   */
  constructor(place, talk, name = "") {
    this._build(place, name);
    this.scale = new TimeScale({ seconds: SECONDS });
    this.follows = true;
    this._cursor = null;
    this._mark = null; // that the cursor is at
    this._frame = 0;
    this._width = 0;
    this._touch = () => this.touch();
    this._settings = () => this._record.keepSettings(this._record.duration);
    this._observer = new ResizeObserver(() => this._resize());
    this._observe();
    this._unwatch = watchTheme(() => {
      this._painter.restyle();
      this.touch();
    });
    listen(this._field, {
      move: (share) => this._look(this.scale.moved(share * this.scale.seconds)),
      zoom: (factor, x) => this._zoom(factor, x),
      go: (where) => this._go(where),
      step: (direction) => this._step(direction),
      point: (x) => this._point(x),
    });
    this.show(talk);
  }

  /** Shows another talk from now on. */
  show(talk) {
    this._leave();
    this.talk = talk;
    this._record = new TimeLineRecord(talk, LEVEL_STEP);
    for (const type of EVENTS) talk.addEventListener(type, this._touch);
    talk.addEventListener("settings", this._settings);
    talk.recording.addEventListener("audio", this._touch);
    this._painter.wordRows.clear();
    this._go("live");
  }

  /** Draws anew with the next frame of the screen. */
  touch() {
    if (!this._frame) this._frame = requestAnimationFrame(() => this._paint());
  }

  /** Takes the time line off the page. */
  close() {
    this._leave();
    this._observer.disconnect();
    this._unwatch();
    cancelAnimationFrame(this._frame);
    this._root.remove();
  }

  _leave() {
    if (!this.talk) return;
    for (const type of EVENTS) this.talk.removeEventListener(type, this._touch);
    this.talk.removeEventListener("settings", this._settings);
    this.talk.recording.removeEventListener("audio", this._touch);
  }

  _build(place, name) {
    const title = name ? `Time line of ${name}` : "Time line";
    this._canvas = element("canvas", { "aria-hidden": "true" });
    const keys = "Arrow keys scroll, plus and minus zoom, N and P go to the next and the previous event.";
    this._field = element(
      "div.timeline-field",
      { tabindex: "0", role: "group", "aria-keyshortcuts": KEY_NAMES, "aria-label": `${title}. ${keys}` },
      this._canvas,
    );
    const button = (text, click, label = text) => element("button", { type: "button", click, "aria-label": label }, text);
    this._follow = button("Follow live", () => this._go("live"));
    const tools = element(
      "div.timeline-tools",
      { role: "group", "aria-label": `Controls of the ${title.toLowerCase()}` },
      this._follow,
      button("Whole talk", () => this._go("whole")),
      button("−", () => this._zoom(1.5, null), "Zoom out"),
      button("+", () => this._zoom(1 / 1.5, null), "Zoom in"),
    );
    this._readout = element("output.timeline-readout");
    const legend = LEGEND.map(([color, text]) => element(`li.timeline-key.timeline-key-${color}`, {}, text));
    this._list = new EventList(name);
    this._root = element(
      "section.timeline",
      { "aria-label": title },
      element("div.timeline-head", {}, tools, this._readout),
      this._field,
      element("ul.timeline-legend", { "aria-label": "Legend" }, ...legend),
      this._list.element,
    );
    place.append(this._root);
    this._painter = new Painter(new Theme(this._root));
  }

  // A window that moves to a screen with finer pixels keeps its size and needs another drawing.
  _observe() {
    try {
      this._observer.observe(this._field, { box: "device-pixel-content-box" });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // Safari has no such box
      this._observer.observe(this._field);
    }
  }

  _resize() {
    const width = this._field.clientWidth;
    if (!width) return;
    const plot = width - gutterOf(width);
    const first = this._width === 0;
    this.scale = first
      ? new TimeScale({ seconds: width < NARROW ? SECONDS_NARROW : SECONDS, width: plot })
      : this.scale.resized(plot);
    this._width = width;
    this._paint(); // at once: a canvas of another size is empty
  }

  _paint() {
    cancelAnimationFrame(this._frame);
    this._frame = 0;
    if (!this._width) return;
    this._record.sync();
    if (this.follows) this.scale = this.scale.following(this._record.duration, LIVE_SHARE);
    const context = this._context();
    this._painter.paint(context, { record: this._record, scale: this.scale, width: this._width, cursor: this._cursor });
    this._list.show(this._record.marks);
    if (this._cursor === null) this._write(this._now());
  }

  // The canvas has as many pixels as the screen has for it, and draws in those of the style sheet.
  _context() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(this._width * ratio), Math.round(HEIGHT * ratio)];
    if (this._canvas.width !== width || this._canvas.height !== height) {
      this._canvas.width = width;
      this._canvas.height = height;
    }
    const context = this._canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  _look(scale) {
    this.scale = scale.held(this._record.duration);
    this._setFollows(false);
  }

  _zoom(factor, x) {
    // While it follows, the newest sound stays where it is; so it follows on.
    const at = x === null ? this.scale.width / 2 : clamp(x - gutterOf(this._width), 0, this.scale.width);
    const scale = this.scale.zoomed(factor, at);
    if (this.follows) this.scale = scale;
    else this.scale = scale.held(this._record.duration);
    this.touch();
  }

  _go(where) {
    if (where === "live") {
      this._setFollows(true);
      return;
    }
    const seconds = where === "whole" ? Math.max(1, this._record.duration * 1.04) : this.scale.seconds;
    this.scale = new TimeScale({ start: 0, seconds, width: this.scale.width });
    this._setFollows(false);
  }

  _setFollows(follows) {
    this.follows = follows;
    this._follow.setAttribute("aria-pressed", String(follows));
    this.touch();
  }

  _step(direction) {
    const { marks } = this._record;
    // Several marks may share a time, so it goes on from the mark and not from its time.
    const last = marks.indexOf(this._mark);
    const edge = this._cursor ?? (direction > 0 ? this.scale.start - 1 : this.scale.end);
    const first = direction > 0 ? firstFrom(marks, edge) : firstFrom(marks, edge) - 1;
    const mark = marks[clamp(last < 0 ? first : last + direction, 0, marks.length - 1)];
    if (!mark) return;
    this._mark = mark;
    this._cursor = mark.time;
    this._look(this.scale.centred(mark.time, 0.5));
    const { time, name, text } = describeMark(mark);
    this._write(`${time} ${name}. ${text}`, "polite");
  }

  _point(x) {
    const inside = x !== null && x >= gutterOf(this._width);
    this._mark = null;
    this._cursor = inside ? this.scale.time(x - gutterOf(this._width)) : null;
    if (inside) this._write(describeMoment(this.talk, this._record.words, clamp(this._cursor, 0, this._record.duration)));
    this.touch();
  }

  _now() {
    const signal = this.talk.signals.at(-1);
    return signal ? describeMoment(this.talk, [], signal.time) : "";
  }

  // A screen reader reads what keys have asked for, and not each place that a mouse passes.
  _write(text, live = "off") {
    this._readout.setAttribute("aria-live", live);
    if (this._readout.textContent !== text) this._readout.textContent = text;
  }
}
