// The bar of the sound: where it comes from, and what is done with it while it runs.

import { Microphone } from "/console/auricle.js";
import { byId, clockTime, element } from "./dom.js";
import { FileSource, MicrophoneSource, decoded } from "./sources.js";

const CLIPS = "/console/clips/";
const SHORT = 48;

export class SoundBar {
  #acts;
  #clips = [];
  #state = "idle"; // "idle", "starting", "running", "stopping"
  #recording = null;
  #focusGoes = false;

  /**
   * @param {object} acts What the bar's buttons do: `start(source)`, which returns the take, or null when there is none,
   *   and throws when there is no sound; `stop()`, `finalize()`, `pull()`; and `problem(error)`.
   */
  constructor(acts) {
    this.#acts = acts;
    byId("listen").addEventListener("click", () => this.#press());
    byId("play").addEventListener("click", () => this.#playClip());
    byId("file").addEventListener("change", (event) => this.#openFile(event.target));
    byId("finalize").addEventListener("click", () => acts.finalize());
    byId("plug").addEventListener("click", () => acts.pull());
    this.#listenToDrops();
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#listMicrophones());
  }

  /** Whether a take runs. */
  get running() {
    return this.#state === "running";
  }

  /** Fetches the clips and the microphones. */
  async load() {
    byId("listen").disabled = false;
    const answer = await fetch(CLIPS);
    this.#clips = await answer.json();
    byId("clip").replaceChildren(
      ...this.#clips.map(({ text, language }, i) => element("option", { value: String(i) }, `${language}: ${short(text)}`)),
    );
    byId("play").disabled = this.#clips.length === 0;
    await this.#listMicrophones();
  }

  /** The take is over. */
  ended() {
    this.#become("idle");
  }

  async #press() {
    if (this.#state === "idle") await this.#start(() => new MicrophoneSource(byId("microphone").value));
    else if (this.#state === "running") {
      this.#become("stopping");
      await this.#acts.stop();
    }
  }

  async #playClip() {
    const { url, name, text } = this.#clips[byId("clip").value];
    await this.#start(async () => {
      const answer = await fetch(CLIPS + url);
      return new FileSource(await decoded(await answer.arrayBuffer(), name), short(text), this.#manner());
    });
  }

  async #openFile(input) {
    const [file] = input.files;
    input.value = ""; // so that the same file can be opened again
    if (file) await this.#playFile(file);
  }

  async #playFile(file) {
    if (this.#state !== "idle") return;
    await this.#start(async () => new FileSource(await decoded(await file.arrayBuffer(), file.name), file.name, this.#manner()));
  }

  #manner() {
    return { fast: byId("fast").checked, audible: byId("audible").checked };
  }

  async #start(makeSource) {
    if (this.#state !== "idle") return;
    this.#become("starting");
    try {
      const source = await makeSource();
      const take = await this.#acts.start(source);
      if (take === null) return this.#become("idle");
      byId("source").textContent = source.name;
      this.#recording = take.recording;
      // A short file that is sent fast may be over by now.
      if (this.#state === "starting") this.#become("running");
      if (source.live && source.name !== "microphone") await this.#listMicrophones();
    } catch (error) {
      this.#acts.problem(error);
      this.#become("idle");
    }
  }

  #become(state) {
    this.#state = state;
    const listen = byId("listen");
    // Who has pressed a button that goes away now finds the focus at the one that stays.
    this.#focusGoes ||= byId("choices").contains(document.activeElement) || byId("running").contains(document.activeElement);
    listen.disabled = state === "starting" || state === "stopping";
    listen.classList.toggle("on", state !== "idle");
    byId("listen-label").textContent = { idle: "Speak", starting: "Starting…", running: "Stop", stopping: "Last words…" }[state];
    byId("choices").hidden = state === "running" || state === "stopping";
    byId("running").hidden = !byId("choices").hidden;
    for (const id of ["play", "file", "clip", "microphone", "fast"]) byId(id).disabled = state !== "idle";
    for (const id of ["finalize", "plug"]) byId(id).disabled = state !== "running";
    if (this.#focusGoes && !listen.disabled) listen.focus({ preventScroll: true });
    if (!listen.disabled) this.#focusGoes = false;
    if (state === "running") this.#meter();
  }

  // With each frame of the screen: the level, and the time of the take.
  #meter() {
    const { levelCount, seconds } = this.#recording;
    const newest = Math.max(...[1, 2, 3, 4].map((back) => this.#recording.level(levelCount - back)));
    const shown = Math.sqrt(newest); // quiet speech is seen, too
    const level = byId("level");
    level.firstElementChild.style.transform = `scaleX(${shown})`;
    level.setAttribute("aria-valuenow", String(20 * Math.round(5 * shown)));
    byId("clock").textContent = clockTime(seconds);
    if (this.#state !== "idle") requestAnimationFrame(() => this.#meter());
  }

  async #listMicrophones() {
    const select = byId("microphone");
    let devices;
    try {
      devices = await Microphone.devices();
    } catch (error) {
      // Without any, pressing Speak says why.
      if (error.name !== "MicrophoneError") throw error;
      return;
    }
    const chosen = select.value;
    const named = devices.filter((device) => device.deviceId !== "" && device.deviceId !== "default");
    select.replaceChildren(
      element("option", { value: "" }, "the browser’s choice"),
      ...named.map(({ deviceId, label }, i) => element("option", { value: deviceId }, label || `microphone ${i + 1}`)),
    );
    select.value = named.some((device) => device.deviceId === chosen) ? chosen : "";
  }

  #listenToDrops() {
    const cover = byId("drop");
    const holdsFile = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragover", (event) => {
      if (!holdsFile(event)) return;
      event.preventDefault();
      cover.hidden = this.#state !== "idle";
    });
    addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) cover.hidden = true;
    });
    addEventListener("drop", async (event) => {
      if (!holdsFile(event)) return;
      event.preventDefault();
      cover.hidden = true;
      const [file] = event.dataTransfer.files;
      if (file) await this.#playFile(file);
    });
  }
}

function short(text) {
  return text.length <= SHORT ? text : `${text.slice(0, SHORT).trimEnd()}…`;
}
