/** The status view: what the server does now, and what it did in the last five minutes. */

import { element } from "../dom.js";
import { FIGURES, PLOTS, keep, readings } from "./figures.js";
import { History } from "./history.js";
import { Plot } from "./plots.js";
import { StatusSource } from "./sse.js";

const STATES = {
  connecting: () => "Connecting…",
  live: () => "Connected: a reading every second.",
  lost: (reason) => `No connection. ${reason} Trying again…`,
  refused: (reason) => `No status. ${reason}`,
};

export class StatusView {
  #place;
  #groups = new Map(); // of a model's name: its history, state, figures and plots
  #source;

  /**
   * @param {HTMLElement} place Gets the view as its content.
   * @param {object} [options]
   * @param {string} [options.url]
   * @param {(refused: boolean) => Promise<string|null>} [options.getToken] As for `StatusSource`.
   * @param {() => number} [options.clock] Milliseconds.
   */
  constructor(place, { url = "/v1/status", getToken, clock = () => performance.now() } = {}) {
    this.#place = place;
    this._clock = clock;
    this._link = element("p.status-link", { role: "status" });
    this._retry = element("button", { type: "button", hidden: true, click: () => this.#source.retry() }, "Give a key");
    this._version = element("span.quiet");
    this._groups = element("div");
    const head = element("div.status-head", {}, element("h2", {}, "This server"), this._version, this._link, this._retry);
    place.replaceChildren(head, this._groups);
    this.#source = new StatusSource(url, { getToken });
    this.#source.addEventListener("state", ({ detail }) => this.#tell(detail));
    this.#source.addEventListener("sample", ({ detail }) => this.#take(detail));
  }

  /** Follows the server until `close`. */
  run() {
    return this.#source.run();
  }

  close() {
    this.#source.close();
  }

  #tell({ state, reason }) {
    // An attempt of a moment would only flicker.
    if (state === "connecting" && this._link.dataset.state === "lost") return;
    this._link.dataset.state = state;
    const text = STATES[state](reason);
    if (this._link.textContent !== text) this._link.textContent = text;
    this._retry.hidden = state !== "refused";
  }

  #take(sample) {
    const now = this._clock() / 1000;
    this._version.textContent = `Auricle ${sample.version}`;
    for (const { name, state, values } of readings(sample)) {
      if (!this.#groups.has(name)) this.#groups.set(name, this.#add(name));
      const group = this.#groups.get(name);
      keep(group.history, now, values);
      group.state.textContent = state;
    }
    if (!this.#place.hidden) this.draw();
  }

  /** Draws all groups as they are now. */
  draw() {
    const now = this._clock() / 1000;
    for (const { history, figures, plots } of this.#groups.values()) {
      for (const { show, value } of figures) value.textContent = show((name) => history.last(name));
      for (const plot of plots) plot.draw(history, now);
    }
  }

  #add(name) {
    const figures = FIGURES.map(({ label, show }) => ({ label, show, value: element("dd") }));
    const plots = PLOTS.map((plot) => new Plot(plot));
    const state = element("span.quiet");
    const list = figures.map(({ label, value }) => element("div.status-figure", {}, element("dt", {}, label), value));
    this._groups.append(
      element(
        "section",
        { "aria-label": name },
        element("h3.status-model", {}, name, " ", state),
        element("dl.status-figures", {}, ...list),
        element("div.status-plots", {}, ...plots.map((plot) => plot.element)),
      ),
    );
    return { history: new History(), state, figures, plots };
  }
}
