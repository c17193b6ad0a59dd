// The view in which somebody speaks: the sound, its streams, and what the user does with them.

import { AuricleClient } from "/console/auricle.js";
import { Captions } from "./captions.js";
import { CodeDialog } from "./code_dialog.js";
import { byId, save } from "./dom.js";
import { toJson, toSrt, toWav } from "./exports.js";
import { Recording } from "./recording.js";
import { DEFAULTS, changed } from "./settings.js";
import { SettingsForm } from "./settings_form.js";
import { SoundBar } from "./sound_bar.js";
import { Take } from "./take.js";
import { Talk } from "./talk.js";
import { TimeLine } from "./timeline/timeline.js";
import { NoKey } from "./token.js";

const NAMES = ["Stream A", "Stream B"];
const FILES = {
  json: ["application/json", toJson],
  srt: ["application/x-subrip", toSrt],
  wav: ["audio/wav", (talk) => toWav(talk.recording, talk)],
};
const PASSING = ["ServerFull", "ServerRestarting"];
const RETRY_SECONDS = 2;

export class SpeakView {
  #take = null;
  #settings;
  #lanes = []; // of each stream its talk, captions and time line
  #chosen = 0; // whose settings are shown

  constructor(config, notices, token) {
    this._config = config;
    const first = { ...DEFAULTS, model: config.models[0].name === config.model.name ? null : config.model.name };
    this.#settings = [first, first];
    this._notices = notices;
    this._token = token;
    const address = location.origin.replace(/^http/, "ws");
    this._client = new AuricleClient(address, config.keys_required ? { getToken: () => this._token.get(this._bar.running) } : {});
    this._code = new CodeDialog(address, config.keys_required);
    this._form = new SettingsForm();
    this._bar = new SoundBar({
      start: (source) => this.#start(source),
      stop: () => this.#stop(),
      finalize: () => this.#everyStream((stream) => stream.finalize()),
      pull: () => this.#everyStream((stream) => stream.pull()),
      problem: (error) => this._notices.problem(error),
    });
    this.#listen();
    this.#build(1);
  }

  /** Fetches what the controls offer. */
  async load() {
    const { model, turn_signals: turnSignals } = this._config;
    const { latencies_ms: latenciesMs, default_latency_ms: defaultLatencyMs, languages, default_language: defaultLanguage } = model;
    this._form.offer({ latenciesMs, defaultLatencyMs, languages, defaultLanguage, turnSignals });
    this._form.show(this.#settings[0]);
    await this._bar.load();
  }

  #listen() {
    this._form.addEventListener("change", (event) => this.#change(event.detail));
    byId("lane-choice").addEventListener("change", (event) => this.#choose(Number(event.target.value)));
    byId("second").addEventListener("click", () => this.#second());
    byId("code").addEventListener("click", () => this._code.open(this.#settings[this.#chosen]));
    this.#listenToMenu();
  }

  #listenToMenu() {
    const [button, menu] = [byId("save"), byId("exports")];
    const open = (is) => {
      menu.hidden = !is;
      button.setAttribute("aria-expanded", String(is));
    };
    button.addEventListener("click", () => open(menu.hidden));
    menu.addEventListener("click", (event) => {
      const kind = event.target.dataset.export;
      if (!kind) return;
      this.#save(kind);
      open(false);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || menu.hidden) return;
      open(false);
      button.focus();
    });
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target) && event.target !== button) open(false);
    });
  }

  // --- streams ---

  // Lanes that stay keep their captions. Time lines draw themselves anew from their talks.
  #build(count) {
    for (const { captions, timeline } of this.#lanes.splice(count)) {
      captions.close();
      timeline.close();
    }
    for (let i = this.#lanes.length; i < count; i++) {
      const talk = this.#take?.streams[i]?.talk ?? new Talk(this.#take?.recording ?? new Recording(), this.#settings[i]);
      this.#lanes.push({ talk, captions: new Captions(byId("captions"), talk) });
    }
    for (const [i, lane] of this.#lanes.entries()) {
      const name = count > 1 ? NAMES[i] : "";
      lane.captions.rename(name);
      lane.timeline?.close();
      lane.timeline = new TimeLine(byId("timelines"), lane.talk, name);
    }
    byId("lane-choice").hidden = byId("which").hidden = count === 1;
    byId("second").setAttribute("aria-pressed", String(count > 1));
  }

  async #start(source) {
    this._notices.clear();
    await source.prepare();
    const take = new Take(this._client, source);
    this.#take = take;
    for (const [i, lane] of this.#lanes.entries()) {
      const stream = take.add(this.#settings[i]);
      this.#follow(stream, i);
      lane.talk = stream.talk;
      lane.captions.show(stream.talk);
      lane.timeline.show(stream.talk);
    }
    take.addEventListener("ended", (event) => this.#ended(take, event.detail));
    if (await this.#begin(take)) return take;
    await source.stop();
    for (const stream of take.streams) stream.close();
    return null;
  }

  // Whether the take runs; waits while the server is full, as long as the user does.
  async #begin(take) {
    for (;;) {
      try {
        await take.begin();
        this._form.limits(take.streams[0].talk.ready.limits);
        byId("save").disabled = false;
        return true;
      } catch (error) {
        if (error instanceof NoKey || error.cause instanceof NoKey) return false;
        if (!PASSING.includes(error.name)) {
          this._notices.problem(error);
          return false;
        }
        if (!(await this._notices.countdown(error, error.retryAfterSeconds ?? RETRY_SECONDS))) return false;
      }
    }
  }

  #follow(stream, index) {
    stream.talk.addEventListener("settings", () => {
      this.#settings[index] = stream.talk.settings;
      if (index === this.#chosen) this._form.show(stream.talk.settings);
    });
    stream.talk.addEventListener("state", ({ detail: { state, error } }) => {
      if (state === "failed" && stream.talk.ready) this._notices.problem(error);
    });
  }

  async #stop() {
    await this.#take?.stop();
  }

  #ended(take, error) {
    if (take !== this.#take) return;
    this._bar.ended();
    if (error) this._notices.problem(error);
  }

  #everyStream(act) {
    return Promise.all(this.#take.streams.map(act));
  }

  async #second() {
    const wanted = this.#lanes.length === 1;
    const running = this._bar.running;
    if (!wanted && this.#take?.streams[1]) this.#take.remove(this.#take.streams[1]);
    if (wanted && running) this.#follow(this.#take.add(this.#settings[1]), 1);
    this.#build(wanted ? 2 : 1);
    this.#choose(wanted ? 1 : 0);
    if (wanted && running) await this.#begin(this.#take);
  }

  // --- settings ---

  #choose(index) {
    this.#chosen = index;
    for (const radio of byId("lane-choice").querySelectorAll("input")) radio.checked = Number(radio.value) === index;
    this._form.show(this.#settings[index]);
  }

  async #change(change) {
    const next = changed(this.#settings[this.#chosen], change);
    this.#settings[this.#chosen] = next;
    this._form.show(next);
    const stream = this.#take?.streams[this.#chosen];
    if (stream && this._bar.running) await stream.change(next);
    else if (this.#lanes[this.#chosen].talk.state === "idle") this.#lanes[this.#chosen].talk.change(next, change);
  }

  // --- files ---

  #save(kind) {
    const [type, make] = FILES[kind];
    const { talk } = this.#lanes[this.#lanes.length > 1 ? byId("saved").selectedIndex : 0];
    const stamp = new Date().toISOString().slice(0, 19).replace("T", "_").replaceAll(":", "-");
    save(`auricle_${stamp}.${kind}`, type, make(talk));
  }
}
