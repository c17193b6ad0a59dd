// The form of a stream's settings. It shows those of one stream, and dispatches "change" with what the user has changed.

import { byId, element, percent } from "./dom.js";

const TURN = ["silenceMs", "endThreshold", "minSilenceMs", "maxSilenceMs"];
const EAGER = { eagerSilence: "eagerSilenceMs", eagerEnd: "eagerThreshold" };
const TYPING_MS = 700;
const SIGNALS = { words: "words", punctuation: "punctuation", voice: "the voice", prosody: "its melody" };

export class SettingsForm extends EventTarget {
  #form = byId("settings");
  #typing = 0;

  constructor() {
    super();
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("input", (event) => this.#input(event.target));
    this.#form.addEventListener("change", (event) => this.#change(event.target));
  }

  /** What the server offers: latencies, languages, turn signals; see `/console/config.json`. */
  offer({ latenciesMs, defaultLatencyMs, languages, defaultLanguage, turnSignals }) {
    byId("latencies").replaceChildren(
      ...latenciesMs.map((each) => {
        const radio = element("input", { type: "radio", name: "latencyMs", value: String(each) });
        radio.checked = each === defaultLatencyMs;
        return element("label", {}, radio, element("span", {}, each < 1000 ? `${each} ms` : `${each / 1000} s`));
      }),
    );
    this._defaultLatency = defaultLatencyMs;
    this._defaultLanguage = defaultLanguage;
    const names = new Intl.DisplayNames(["en"], { type: "language" });
    byId("language").replaceChildren(
      ...languages.map((code) => element("option", { value: code }, code === "auto" ? "detected by the model" : `${names.of(code)} (${code})`)),
    );
    const used = turnSignals.map((signal) => SIGNALS[signal] ?? signal);
    byId("signals").textContent = `This server judges by ${new Intl.ListFormat("en").format(used)}.`;
  }

  /** Shows settings; see `settings.js`. */
  show(settings) {
    this.#radio("latencyMs", settings.latencyMs ?? this._defaultLatency);
    this.#radio("refine", settings.refine);
    this.#radio("mode", settings.turn.mode);
    for (const name of TURN) this.#form.elements[name].value = settings.turn[name];
    for (const [box, name] of Object.entries(EAGER)) {
      const on = settings.turn[name] !== null;
      this.#form.elements[box].checked = on;
      if (on) this.#form.elements[name].value = settings.turn[name];
    }
    this.#form.elements.language.value = settings.language ?? this._defaultLanguage;
    this.#form.elements.numbers.value = settings.textFormat.numbers;
    const typed = termsOf(this.#form.elements.keyterms.value);
    if (typed.join("\n") !== settings.keyterms.join("\n")) this.#form.elements.keyterms.value = settings.keyterms.join("\n");
    this.#arrange();
  }

  /** Says what a model without key terms means. */
  limits({ keyterms }) {
    this.#form.elements.keyterms.disabled = keyterms === 0;
    byId("keyterms-note").textContent = keyterms === 0 ? "This server takes no key terms." : "";
  }

  #radio(name, value) {
    for (const radio of this.#form.querySelectorAll(`input[name="${name}"]`)) radio.checked = radio.value === String(value);
  }

  #arrange() {
    const { elements } = this.#form;
    for (const part of this.#form.querySelectorAll("[data-mode]")) part.hidden = part.dataset.mode !== elements.mode.value;
    for (const box of this.#form.querySelectorAll("[data-enables]")) elements[box.dataset.enables].disabled = !box.checked;
    for (const output of this.#form.querySelectorAll(".slider output")) {
      const range = elements[output.htmlFor.value];
      output.value = range.disabled ? "never" : shown(range);
      range.setAttribute("aria-valuetext", shown(range));
    }
  }

  #input(target) {
    this.#arrange();
    if (target.name !== "keyterms") return;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#change(target), TYPING_MS);
  }

  #change(target) {
    if (target.name === "lane") return;
    clearTimeout(this.#typing);
    this.#arrange();
    this.dispatchEvent(new CustomEvent("change", { detail: this.#read(target) }));
  }

  #read({ name, value, checked }) {
    const { elements } = this.#form;
    switch (name) {
      case "latencyMs":
        return { latencyMs: Number(value) };
      case "language":
        return { language: value };
      case "numbers":
        return { textFormat: { numbers: value } };
      case "keyterms":
        return { keyterms: termsOf(value) };
      case "refine":
        return { refine: value };
      case "mode":
        return { turn: { mode: value } };
      case "eagerSilence":
      case "eagerEnd":
        return { turn: { [EAGER[name]]: checked ? Number(elements[EAGER[name]].value) : null } };
      default:
        return { turn: { [name]: Number(value) } };
    }
  }
}

function shown(range) {
  return range.name.endsWith("Ms") ? `${range.value} ms` : percent(Number(range.value));
}

function termsOf(text) {
  return text
    .split("\n")
    .map((term) => term.trim())
    .filter(Boolean);
}
