// The record of one stream: what was said, when, and how the server came to it. Captions, time line and export draw it.

import { corrections, split } from "./words.js";

/**
 * @typedef {object} Word
 * @property {string} text
 * @property {number} start Seconds of the take, as all times here.
 * @property {number} end
 * @property {number} confidence 0 to 1.
 *
 * @typedef {object} Segment A final.
 * @property {string} text
 * @property {number} start
 * @property {number} end
 * @property {string} language
 * @property {{language: string, start: number}[]} languages Where each language begins; empty for one language.
 * @property {Word[]} words
 * @property {number|null} confidence
 * @property {boolean} refined Whether it is the text of the second pass.
 * @property {{replaced: string[]}[]} corrections Words of the last interim that each word replaced; see `words.js`.
 * @property {number} decided The second of the sound on which the server decided.
 * @property {number|null} delayMs From the moment that sound was heard until the final was here.
 * @property {number|null} afterSpeechMs From the moment the last word was heard until the final was here.
 *
 * @typedef {object} Interim The text so far of the segment that is open.
 * @property {string} text
 * @property {number} start
 * @property {number} end
 * @property {string} language
 * @property {Word[]} words
 *
 * @typedef {object} Mark Something that happened at a moment of the take.
 * @property {"speech_started"|"turn_eager_end"|"turn_resumed"|"turn_end"|"no_words"|"language"|"update"|"keyterms"
 *   |"cut"|"resumed"|"stream"|"error"} kind
 * @property {number} time Second of the take.
 * @property {number} [probability] Of the three marks of a turn's end: that it has ended.
 * @property {number} [speechEnd] Of the same: where speech ended.
 * @property {string} [text]
 * @property {number|null} [delayMs] As of a segment.
 * @property {boolean} [replayed] Of "resumed": whether a new stream heard the sound again, or the same one went on.
 * @property {number} [tookMs] Of the same: how long there was no connection.
 * @property {number} [sentSeconds] Of the same: sound that the server got again, or late.
 * @property {number} [lostSeconds] Of the same: sound whose words are lost; normally 0.
 *
 * @typedef {object} Signal What the server made of one chunk; the stream asks for signals at its start.
 * @property {number} time Second of the take at which the chunk ended.
 * @property {number|null} voice Probability of a voice; null when the server has no model for it.
 * @property {number} silence Seconds of silence as turn detection counts them; 0 before the first word.
 * @property {number|null} turnEnd Probability that the turn has ended; null where none is open.
 * @property {number|null} complete How complete the turn sounds, 0 to 1; null when the server has no model for it.
 */

/**
 * Dispatches, with the new record as `detail`: "signal", "interim" (null when the segment is closed), "final", "mark",
 * "state" and "settings". The sound is in `recording`, which dispatches "audio".
 */
export class Talk extends EventTarget {
  /** @type {Segment[]} Finals with words. */ segments = [];
  /** @type {Interim|null} */ interim = null;
  /** @type {Mark[]} In the order in which they came. */ marks = [];
  /** @type {Signal[]} */ signals = [];
  /** "idle", "connecting", "live", "interrupted", "ended" or "failed". */ state = "idle";
  /** The error that ended the stream, when `state` is "failed". */ error = null;
  /** What the server said when the stream was opened: model, latencies, languages, limits, turn signals. */ ready = null;
  /** Second of the take at which the present stream begins. */ origin = 0;
  #clock;
  #language = null;
  #cutAt = null;

  /**
   * @param {import("./recording.js").Recording} recording The sound that the stream hears.
   * @param {object} settings Settings in force; see `settings.js`.
   * @param {() => number} clock Milliseconds.
   */
  constructor(recording, settings, clock = () => performance.now()) {
    super();
    this.recording = recording;
    this.settings = settings;
    this.#clock = clock;
  }

  /** Seconds of sound so far. */
  get seconds() {
    return this.recording.seconds;
  }

  /** A stream was opened; its sound begins at a second of the take. */
  open(ready, origin) {
    this.ready = ready;
    this.origin = origin;
    this.#language = null;
    this.#setInterim(null);
    this.mark({ kind: "stream", time: origin });
    this.setState("live");
  }

  setState(state, error = null) {
    this.state = state;
    this.error = error;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, error } }));
  }

  /** New settings, which are on their way to the stream where one runs. */
  change(settings, changed) {
    this.settings = settings;
    if (this.state === "live" || this.state === "interrupted") this.mark({ kind: "update", time: this.seconds, changed });
    this.dispatchEvent(new CustomEvent("settings", { detail: { settings, changed } }));
  }

  mark(mark) {
    this.marks.push(mark);
    this.dispatchEvent(new CustomEvent("mark", { detail: mark }));
  }

  /** Takes an event of the client, whose times are those of the stream. */
  receive(event) {
    const take = RECEIVERS[event.type];
    if (take) this[take](event);
  }

  interimEvent(event) {
    this.#setInterim({ ...this.#span(event), text: event.text, language: event.language, words: this.#words(event) });
    this.#follow(event.language, event.end);
  }

  finalEvent(event) {
    if (event.text === "") return;
    const shown = split(this.interim?.text ?? "");
    const segment = {
      ...this.#span(event),
      text: event.text,
      language: event.language,
      languages: (event.languages ?? []).map((span) => ({ ...span, start: span.start + this.origin })),
      words: this.#words(event),
      confidence: event.confidence ?? null,
      refined: event.refined,
      corrections: corrections(shown, split(event.text)),
      decided: this.#time(event.audioTime),
      delayMs: this.#since(event.audioTime),
      afterSpeechMs: this.#since(event.end),
    };
    this.segments.push(segment);
    this.interim = null;
    this.dispatchEvent(new CustomEvent("final", { detail: segment }));
    if (segment.languages.length === 0) this.#follow(segment.language, event.start);
    for (const span of segment.languages) this.#follow(span.language, span.start - this.origin);
  }

  turnEvent(event) {
    this.mark({
      kind: event.type,
      time: this.#time(event.audioTime),
      probability: event.probability,
      speechEnd: event.speechEnd === undefined ? undefined : this.#time(event.speechEnd),
      text: event.text,
      delayMs: this.#since(event.audioTime),
    });
  }

  startEvent(event) {
    this.mark({ kind: event.type, time: this.#time(event.start), decided: this.#time(event.audioTime) });
  }

  noWordsEvent(event) {
    this.mark({ kind: event.type, time: this.#time(event.start), end: this.#time(event.end) });
  }

  keytermsEvent(event) {
    this.mark({ kind: "keyterms", time: this.#time(event.audioTime), count: event.count });
  }

  errorEvent(event) {
    this.mark({ kind: "error", time: this.#time(event.audioTime), code: event.code, message: event.message });
  }

  reconnectingEvent(event) {
    if (this.#cutAt !== null) return; // a further attempt
    this.#cutAt = this.#clock();
    this.mark({ kind: "cut", time: this.#time(event.audioTime), message: event.error?.message });
    this.setState("interrupted");
  }

  reconnectedEvent(event) {
    const { sentSeconds, replayedSeconds, lostSeconds = 0 } = event;
    this.mark({
      kind: "resumed",
      time: this.#time(event.audioTime),
      tookMs: this.#cutAt === null ? 0 : this.#clock() - this.#cutAt,
      replayed: event.type === "replayed",
      sentSeconds: sentSeconds ?? replayedSeconds,
      lostSeconds,
    });
    this.#cutAt = null;
    this.setState("live");
  }

  signalsEvent(event) {
    const { voice, silence, probability, complete } = event;
    const signal = {
      time: this.#time(event.audioTime),
      voice: voice ?? null,
      silence: silence ?? 0,
      turnEnd: probability ?? null,
      complete: complete ?? null,
    };
    this.signals.push(signal);
    this.dispatchEvent(new CustomEvent("signal", { detail: signal }));
  }

  #setInterim(interim) {
    this.interim = interim;
    this.dispatchEvent(new CustomEvent("interim", { detail: interim }));
  }

  #follow(language, time) {
    if (language === "auto" || language === this.#language) return;
    this.#language = language;
    this.mark({ kind: "language", time: this.#time(time), language });
  }

  #words(event) {
    return (event.words ?? []).map((word) => ({ ...word, ...this.#span(word) }));
  }

  #span({ start, end }) {
    return { start: this.#time(start), end: this.#time(end) };
  }

  #time(streamSeconds) {
    return streamSeconds + this.origin;
  }

  #since(streamSeconds) {
    const heard = this.recording.heardAt(this.#time(streamSeconds));
    return heard === null ? null : Math.max(0, this.#clock() - heard);
  }
}

const RECEIVERS = {
  interim: "interimEvent",
  final: "finalEvent",
  turn_eager_end: "turnEvent",
  turn_resumed: "turnEvent",
  turn_end: "turnEvent",
  speech_started: "startEvent",
  no_words: "noWordsEvent",
  keyterms_in_force: "keytermsEvent",
  error: "errorEvent",
  signals: "signalsEvent",
  reconnecting: "reconnectingEvent",
  resumed: "reconnectedEvent",
  replayed: "reconnectedEvent",
};
