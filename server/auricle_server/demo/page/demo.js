// The page of `auricle demo --browser`: lanes that follow the performance, its sound, and its results.

import { Lane, make } from "./lane.js";
import { spoken, utteranceAt } from "./lane_state.js";
import { resultElements } from "./results.js";

const byId = (id) => document.getElementById(id);
// A jump of the sound can be heard; less than this between sound and picture cannot be seen.
const SOUND_SECONDS = 0.25;

class Demo {
  constructor() {
    this._lanes = [];
    this._programme = null;
    this._positions = [];
    this._told = 0;
    this._playing = false;
    this._heard = null;
    this._sound = new Audio("/demo/sound.wav");
    this._sound.preload = "auto";
    byId("again").addEventListener("click", () => this._ask("play"));
    byId("end").addEventListener("click", () => this._ask("end"));
    const events = new EventSource("/demo/events");
    events.addEventListener("message", ({ data }) => this._receive(JSON.parse(data)));
    events.addEventListener("error", () => this._lose());
    this._events = events;
  }

  _receive(event) {
    switch (event.type) {
      case "programme":
        return this._begin(event);
      case "clock":
        this._positions = event.positions;
        this._told = performance.now();
        return this._follow();
      case "caption":
        return this._lanes[event.lane].receive(event);
      case "result":
        return this._conclude(event);
    }
  }

  _begin(programme) {
    this._programme = programme;
    this._positions = programme.lanes.map(() => 0);
    this._told = performance.now();
    this._heard = null;
    this._sound.pause();
    this._lanes = programme.lanes.map((stream) => new Lane(stream, programme.utterances, (lane) => this._listen(lane)));
    const adapters = [...new Set(programme.lanes.map(({ adapter }) => adapter))];
    const lanesOf = (adapter) => this._lanes.filter((_, index) => programme.lanes[index].adapter === adapter);
    byId("lanes").replaceChildren(...adapters.map((adapter) => group(adapter, lanesOf(adapter))));
    byId("results").hidden = true;
    byId("again").disabled = true;
    byId("console").href = programme.console;
    byId("console").hidden = false;
    byId("state").textContent = "Playing…";
    this._start();
  }

  _start() {
    if (this._playing) return;
    this._playing = true;
    const frame = () => {
      if (!this._playing) return;
      this._follow();
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  // Between two reports of the clock the page reckons on.
  _position(lane) {
    const told = this._positions[lane];
    return told === 0 ? 0 : told + (performance.now() - this._told) / 1000;
  }

  _follow() {
    if (!this._programme || !this._playing) return;
    const { utterances, seconds } = this._programme;
    this._lanes.forEach((lane, index) => lane.move(this._position(index)));
    const now = this._position(0);
    const utterance = utterances[utteranceAt(utterances, now)];
    this._speak(utterance, now);
    byId("progress").value = Math.min(1, now / seconds);
    this._tune();
  }

  _speak(utterance, now) {
    const [said, coming] = spoken(utterance, now);
    const key = `${utterance.begins} ${said}`;
    if (this._spoken === key) return;
    this._spoken = key;
    byId("voice").textContent = utterance.voice;
    byId("spoken").replaceChildren(make("strong", "", said), ` ${coming}`);
  }

  // --- sound ---

  _listen(lane) {
    this._heard?.heard(false);
    this._heard = this._heard === lane ? null : lane;
    if (this._heard === null) {
      this._sound.pause();
      return;
    }
    lane.heard(true);
    this._sound.currentTime = this._position(this._lanes.indexOf(lane));
    this._sound.play().catch((error) => (byId("state").textContent = `The browser does not play the sound: ${error.message}`));
  }

  _tune() {
    if (this._heard === null || this._sound.paused) return;
    const position = this._position(this._lanes.indexOf(this._heard));
    if (Math.abs(this._sound.currentTime - position) > SOUND_SECONDS) this._sound.currentTime = position;
  }

  // --- the end ---

  _conclude(result) {
    this._follow();
    this._playing = false;
    this._heard?.heard(false);
    this._heard = null;
    byId("again").disabled = false;
    byId("progress").value = 1;
    byId("state").textContent = result.problems.length ? "The demo is over, with problems." : "The demo is over: all went well.";
    byId("results").replaceChildren(...resultElements(result, this._programme));
    byId("results").hidden = false;
  }

  async _ask(what) {
    try {
      await fetch(`/demo/${what}`, { method: "POST" });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this._lose();
      return;
    }
    if (what === "end") this._leave();
  }

  _lose() {
    byId("state").textContent = "No connection to the demo: it has ended, or is busy. Trying again…";
    this._playing = false;
    this._sound.pause();
  }

  _leave() {
    this._events.close();
    this._playing = false;
    this._sound.pause();
    byId("state").textContent = "The demo has ended. You can close this page.";
    for (const button of document.querySelectorAll("button")) button.disabled = true;
    byId("console").hidden = true;
  }
}

function group(adapter, lanes) {
  const section = make("section", "host");
  section.setAttribute("aria-label", adapter);
  const list = make("ul");
  list.append(...lanes.map((lane) => lane.element));
  section.append(make("h2", "", adapter), list);
  return section;
}

new Demo();
