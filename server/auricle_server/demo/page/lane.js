// One lane of the demo: its words, and a strip with the moments at which they came.

import { LaneState, delayText } from "./lane_state.js";

/** Makes an element with a class and a text. */
export function make(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

const percent = (share) => `${(100 * share).toFixed(2)}%`;

export class Lane {
  /**
   * @param {{adapter: string, latency_ms: number}} stream
   * @param {object[]} utterances Of the programme.
   * @param {(lane: Lane) => void} listen Called when the user wants to hear this lane.
   */
  constructor(stream, utterances, listen) {
    this.state = new LaneState(utterances);
    this.name = `${stream.adapter} at ${stream.latency_ms} ms`;
    this.element = make("li", "demo-lane");
    this._caption = make("p", "caption");
    this._delays = make("p", "delays");
    this._strip = make("div", "strip");
    this._strip.setAttribute("aria-hidden", "true");
    this._listen = make("button", "listen", "Listen");
    this._listen.type = "button";
    this._listen.setAttribute("aria-label", `Listen to ${this.name}`);
    this._listen.addEventListener("click", () => listen(this));
    this.heard(false);
    const label = make("p", "name", `${stream.latency_ms} ms`);
    this.element.append(label, this._caption, this._delays, this._strip, this._listen);
    this._speech = make("i", "speech");
    this._head = make("i", "head");
    this.draw();
  }

  /** Whether the user hears this lane. */
  heard(is) {
    this._listen.setAttribute("aria-pressed", String(is));
  }

  receive(caption) {
    this.state.receive(caption);
    this.draw();
  }

  /** Follows the programme to a second. */
  move(seconds) {
    if (this.state.move(seconds)) this.draw();
    this._head.style.left = percent(this.state.place(seconds));
  }

  draw() {
    const { state } = this;
    this._caption.textContent = state.text;
    this._caption.classList.toggle("final", state.final);
    const { final, turn } = state.delays;
    const shown = [["final", final], ["turn end", turn]].filter(([, delay]) => delay !== null);
    this._delays.replaceChildren(...shown.map(([name, delay]) => make("span", `delay delay-${name.replace(" ", "-")}`, `${name} ${delayText(delay)}`)));
    this._speech.style.width = percent(state.place(state.utterance.speech_end));
    this._strip.replaceChildren(this._speech, ...state.interims.map((at) => this._mark("interim", at)), this._head);
    if (state.finalAt !== null) this._strip.append(this._mark("final", state.finalAt));
    if (state.turnAt !== null) this._strip.append(this._mark("turn", state.turnAt));
  }

  _mark(name, seconds) {
    const mark = make("i", `mark mark-${name}`);
    mark.style.left = percent(this.state.place(seconds));
    return mark;
  }
}
