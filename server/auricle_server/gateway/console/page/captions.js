// The captions of one stream: its turns as paragraphs, each word with its times, and what becomes of the newest words.

import { byId, clockTime, element, finePercent, percent } from "./dom.js";
import { certainty, split } from "./words.js";

/** How long a corrected word stays visible, in milliseconds. */
const CORRECTION_MS = 4000;
/** Finals that stay in the region that is read aloud; one more is read when it comes. */
const READ_ALOUD = 20;
let tips = 0;
const KEYS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };

export class Captions {
  #talk;
  #turn = null; // the paragraph of the open turn
  #live = null; // its interim
  #end = null; // the note on its probable end
  #gone = false; // whether the last note was withdrawn

  /**
   * @param {HTMLElement} place Gets the captions as a further child.
   * @param {import("./talk.js").Talk} talk
   */
  constructor(place, talk) {
    this._title = element("h2");
    this._facts = element("span.quiet");
    this._pace = element("span.pace");
    this._text = element("div.text", { role: "group" });
    this._tip = element("div.tip", { role: "tooltip", id: `tip-${(tips += 1)}`, hidden: true });
    this._state = element("p.state", { role: "status" });
    this.element = element("section.lane", {}, element("header", {}, this._title, this._facts, this._pace), this._text, this._state, this._tip);
    place.append(this.element);
    this._text.addEventListener("pointerover", (event) => this.#point(event.target));
    this._text.addEventListener("pointerleave", () => this.#hideTip());
    this._text.addEventListener("focusin", (event) => this.#point(event.target));
    this._text.addEventListener("focusout", () => this.#hideTip());
    this._text.addEventListener("keydown", (event) => this.#walk(event));
    this.rename("");
    this.show(talk);
  }

  /** Names the stream: "Stream A"; "" where there is only one. */
  rename(name) {
    this.name = name;
    this._title.textContent = name || "Captions";
    this._text.setAttribute("aria-label", `${name || "Captions"}: words`);
  }

  /** Shows another talk from now on. */
  show(talk) {
    this.#talk = talk;
    this.#turn = this.#live = this.#end = null;
    this._text.replaceChildren();
    this._pace.textContent = "";
    const mine = (take) => (event) => talk === this.#talk && take(event.detail);
    talk.addEventListener("interim", mine((interim) => this.#interim(interim)));
    talk.addEventListener("final", mine((segment) => this.#final(segment)));
    talk.addEventListener("mark", mine((mark) => this.#mark(mark)));
    talk.addEventListener("settings", mine(() => this.#describe()));
    talk.addEventListener("state", mine(() => this.#describe()));
    this.#describe();
  }

  /** Takes the captions off the page. */
  close() {
    this.#talk = null;
    this.element.remove();
  }

  #describe() {
    const { settings, ready, state } = this.#talk;
    const latency = settings.latencyMs ?? ready?.latencyMs;
    const turns = { off: "no turns", silence: "turns by silence", semantic: "turns by meaning" }[settings.turn.mode];
    const second = settings.refine === "off" ? "" : `second pass ${settings.refine}`;
    this._facts.textContent = [latency && `${latency} ms`, turns, second].filter(Boolean).join(" · ");
    this.element.dataset.state = state;
  }

  #paragraph() {
    if (this.#turn === null) {
      this.#turn = element("p.turn");
      this._text.append(this.#turn);
    }
    return this.#turn;
  }

  #interim(interim) {
    this.#follow(() => {
      if (interim === null) {
        this.#live?.remove();
        this.#live = null;
        return;
      }
      this.#live ??= element("span.interim");
      this.#live.textContent = interim.text;
      // A note of this turn's end stays behind the words.
      if (this.#end?.parentNode === this.#paragraph()) this.#end.before(this.#live);
      else this.#paragraph().append(this.#live);
    });
  }

  #final(segment) {
    this.#follow(() => {
      this.#interim(null);
      const words = this.#words(segment);
      if (this.#end?.parentNode === this.#paragraph()) this.#end.before(...words);
      else this.#paragraph().append(...words);
    });
    this.#showPace(segment);
    this.#readAloud(segment.text);
  }

  #showPace({ delayMs }) {
    if (delayMs === null) return;
    const delays = this.#talk.segments.map((segment) => segment.delayMs).sort((one, other) => one - other);
    const median = delays.length > 2 ? `, median ${Math.round(delays[delays.length >> 1])} ms` : "";
    this._pace.textContent = `final after ${Math.round(delayMs)} ms${median}`;
    this._pace.title = "From the moment the server had the sound that it needed until the final was here";
  }

  #words(segment) {
    const words = segment.words.length > 0 ? segment.words : split(segment.text).map((text) => ({ text }));
    const spans = new Map(segment.languages.map((span) => [span.start, span.language]));
    const nodes = words.flatMap((word, i) => {
      const replaced = segment.corrections[i]?.replaced ?? [];
      const made = this.#word(word, segment, replaced);
      const language = spans.get(word.start);
      return [...(language ? [element("span.language", {}, language)] : []), ...gone(replaced), made, " "];
    });
    return [...nodes, ...gone(segment.corrections.at(-1)?.replaced ?? [])];
  }

  #word(word, segment, replaced) {
    const made = element("span.word", { tabindex: "-1" }, word.text);
    if (this._text.querySelector('.word[tabindex="0"]') === null) made.tabIndex = 0;
    if (word.confidence !== undefined) made.classList.add(certainty(word.confidence));
    if (replaced.length > 0) made.classList.add("new");
    made.about = { word, refined: segment.refined, replaced };
    return made;
  }

  #mark(mark) {
    const show = MARKS[mark.kind];
    if (show) this.#follow(() => this[show](mark));
  }

  eagerEnd({ probability }) {
    this.#note("eager", `probably over, ${percent(probability)}`);
  }

  resumed({ probability }) {
    if (this.#end === null) return;
    this.#end.className = "note withdrawn";
    this.#end.textContent = `not over, ${percent(probability)}`;
    this.#gone = true;
  }

  turnEnd({ probability, delayMs, time, speechEnd }) {
    if (this.#turn === null) return;
    const silence = Math.round((time - speechEnd) * 1000);
    this.#note("end", `turn end, ${percent(probability)}, after ${silence} ms of silence`);
    this.#end.title = delayMs === null ? "" : `Here ${Math.round(delayMs)} ms after the sound that decided it`;
    this.#turn = this.#end = null;
  }

  noWords() {
    this._text.append(element("p.turn", {}, element("span.note", {}, "a voice without words")));
  }

  language({ language }) {
    this.#paragraph().append(element("span.language", {}, language));
  }

  keyterms({ count }) {
    this._state.textContent = count === 1 ? "1 key term in force" : `${count} key terms in force`;
  }

  cut({ time }) {
    this.#live?.classList.add("waiting");
    this._state.textContent = `The connection is cut at ${clockTime(time)}. The sound waits here.`;
  }

  reconnected({ tookMs, sentSeconds, lostSeconds, replayed }) {
    this.#live?.classList.remove("waiting");
    const seconds = `${sentSeconds.toFixed(1)} s of sound`;
    const how = replayed ? `A new stream heard ${seconds} again` : `The same stream went on and got the ${seconds} that had waited`;
    const lost = lostSeconds > 0 ? `The words of ${lostSeconds.toFixed(1)} s are lost.` : "No word is lost.";
    this._state.textContent = `Back after ${Math.round(tookMs)} ms. ${how}. ${lost}`;
  }

  problem({ message }) {
    this._state.textContent = message;
  }

  #note(kind, text) {
    if (this.#end === null || this.#gone) {
      this.#end?.remove();
      this.#end = element("span");
      this.#gone = false;
    }
    this.#end.className = `note ${kind}`;
    this.#end.textContent = text;
    this.#paragraph().append(this.#end);
  }

  // Keeps the newest words in view, unless the reader has scrolled up.
  #follow(change) {
    const box = this._text;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    change();
    if (atEnd) box.scrollTop = box.scrollHeight;
  }

  #readAloud(text) {
    const region = byId("read-aloud");
    region.append(element("p", {}, this.name ? `${this.name}: ${text}` : text));
    while (region.childElementCount > READ_ALOUD) region.firstElementChild.remove();
  }

  #point(target) {
    const about = target.about;
    if (!about) return this.#hideTip();
    const { word, refined, replaced } = about;
    const parts = [];
    if (word.start !== undefined) parts.push(`${word.start.toFixed(2)}–${word.end.toFixed(2)} s`);
    if (word.confidence !== undefined) parts.push(`${finePercent(word.confidence)} sure`);
    if (refined) parts.push("second pass");
    if (replaced.length > 0) parts.push(`was “${replaced.join(" ")}”`);
    this._tip.textContent = parts.join(" · ");
    this._tip.hidden = parts.length === 0;
    target.setAttribute("aria-describedby", this._tip.id);
    this.#place(target);
  }

  #place(target) {
    const box = this.element.getBoundingClientRect();
    const word = target.getBoundingClientRect();
    const left = Math.min(word.left - box.left, box.width - this._tip.offsetWidth - 8);
    this._tip.style.left = `${Math.max(8, left)}px`;
    this._tip.style.top = `${word.bottom - box.top + 4}px`;
  }

  #hideTip() {
    this._tip.hidden = true;
  }

  // One stop of the tab key for all words; arrows go from word to word.
  #walk(event) {
    const step = KEYS[event.key];
    if (step === undefined || !event.target.about) return;
    event.preventDefault();
    const words = [...this._text.querySelectorAll(".word")];
    const at = Math.min(Math.max(words.indexOf(event.target) + step, 0), words.length - 1);
    event.target.tabIndex = -1;
    words[at].tabIndex = 0;
    words[at].focus();
  }
}

// Words that a final has replaced: struck for a moment, then gone.
function gone(words) {
  if (words.length === 0) return [];
  const made = element("del", {}, words.join(" "));
  setTimeout(() => made.remove(), CORRECTION_MS);
  return [made, " "];
}

const MARKS = {
  turn_eager_end: "eagerEnd",
  turn_resumed: "resumed",
  turn_end: "turnEnd",
  no_words: "noWords",
  language: "language",
  keyterms: "keyterms",
  cut: "cut",
  resumed: "reconnected",
  error: "problem",
};
