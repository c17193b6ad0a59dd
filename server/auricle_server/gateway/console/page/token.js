// The token with which the page opens streams, where the server wants a key. It is in memory only.

import { byId } from "./dom.js";

/** How long a token lasts: the server's longest, so that nobody is asked twice within the hour. */
const LIFE_SECONDS = 3600;
/** Seconds before the end of a token's life from which on a new one is asked for. */
const SPARE_SECONDS = 5;

/** The user has not given a key. */
export class NoKey extends Error {
  name = "NoKey";
}

export class Token {
  #token = null;
  #expires = 0;
  #asking = null;
  #dialog = byId("key-dialog");

  /** Whether there is one that still holds. */
  get valid() {
    return this.#token !== null && performance.now() < this.#expires;
  }

  /**
   * A token that holds; asks the user for a key where there is none.
   *
   * @param {boolean} running Whether it is for a stream that runs, which may go on with the token that it began with.
   * @throws {NoKey} The user has closed the dialog.
   */
  async get(running) {
    const enough = this.valid || (running && this.#token !== null);
    if (!enough) await (this.#asking ??= this.#ask().finally(() => (this.#asking = null)));
    return this.#token;
  }

  /** The server has not taken it: perhaps it was started anew. */
  forget() {
    this.#token = null;
  }

  #ask() {
    const [field, problem] = [byId("key"), byId("key-problem")];
    const leaving = new AbortController();
    const listen = (target, type, take) => target.addEventListener(type, take, { signal: leaving.signal });
    problem.textContent = "";
    this.#dialog.showModal();
    return new Promise((resolve, reject) => {
      listen(this.#dialog.querySelector("form"), "submit", async (event) => {
        event.preventDefault();
        problem.textContent = (await this.#swap(field.value)) ?? "";
        if (this.valid) this.#dialog.close("token");
        else field.select();
      });
      listen(byId("key-cancel"), "click", () => this.#dialog.close("cancel"));
      listen(this.#dialog, "close", () => {
        leaving.abort();
        field.value = "";
        if (this.valid) resolve();
        else reject(new NoKey("no key was given"));
      });
    });
  }

  // Returns what is wrong.
  async #swap(key) {
    let answer;
    try {
      answer = await fetch("/v1/tokens", {
        method: "POST",
        headers: { Authorization: `Bearer ${key.trim()}` },
        body: JSON.stringify({ expires_in: LIFE_SECONDS }),
      });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      // A header takes no other characters.
      return /^[\x20-\x7e]*$/.test(key) ? "The server does not answer." : "A key has no such characters.";
    }
    const body = await answer.json();
    if (!answer.ok) return answer.status === 401 ? "The server does not know this key." : body.message;
    this.#token = body.token;
    this.#expires = performance.now() + (body.expires_in - SPARE_SECONDS) * 1000;
    return null;
  }
}
