// What went wrong, in words, and what to do.

import { byId, element } from "./dom.js";

/** A problem in words: a title, and what to do about it. */
export function explained(error) {
  const [title, cure] = SAID[error.name]?.(error) ?? [error.message, ""];
  return { title, cure };
}

const MICROPHONE = {
  denied: ["The microphone is not allowed", "Allow it for this page in the browser’s address bar, then press Speak again."],
  missing: ["There is no microphone", "Connect one, or try a clip or a file."],
  busy: ["The microphone cannot be used", "Another program may hold it. Close that program, then press Speak again."],
  insecure: ["Browsers give no microphone to a page over plain HTTP", "Open the page at localhost, or put TLS before the server. Clips and files work here too."],
  unsupported: ["This browser cannot record", "Use a current Chromium, Firefox or Safari. Clips and files may work."],
};

const SAID = {
  MicrophoneError: (error) => MICROPHONE[error.reason] ?? [error.message, ""],
  ServerFull: (error) =>
    error.code === "too_many_streams"
      ? ["This key has as many streams as it may", "End another of its streams."]
      : ["The server is full", "All its places are taken. Running streams are unaffected."],
  ServerRestarting: () => ["The server is starting", "No model is ready yet."],
  Refused: (error) =>
    error.code === "origin_not_allowed"
      ? ["The server does not allow this page", "Open it at the server’s own address, or start the server with --allow-origin."]
      : ["The server does not accept the key", "Reload the page to give another one."],
  ConnectionFailed: (error) =>
    error.reason === "timeout"
      ? ["The server does not answer", "It may be busy or stopped. Look at its terminal."]
      : ["The server is gone", "Start it again with “auricle serve”, then press Speak again."],
  StreamFailed: (error) => [`The server ended the stream: ${error.message}`, "Start again."],
  Undecodable: (error) => [error.message, ""],
};

export class Notices {
  #timer = 0;

  constructor() {
    this._place = byId("notices");
  }

  /** Shows a problem, in place of the one before. */
  problem(error) {
    const { title, cure } = explained(error);
    this.#show(element("div", {}, element("strong", {}, title), ` ${cure}`));
  }

  /**
   * Shows a problem that may pass, with the seconds until the next try, and a way out.
   *
   * @param {Error} error
   * @param {number} seconds
   * @returns {Promise<boolean>} Whether to try again: true when the time is over, false when the user has given up.
   */
  countdown(error, seconds) {
    const { title, cure } = explained(error);
    const left = element("span", { "aria-hidden": "true" }, wait(seconds));
    return new Promise((resolve) => {
      const leave = (again) => {
        clearInterval(this.#timer);
        this.clear();
        resolve(again);
      };
      const give = element("button", { type: "button", click: () => leave(false) }, "Give up");
      const now = element("button", { type: "button", click: () => leave(true) }, "Try now");
      const said = element("div", {}, element("strong", {}, title), ` ${cure} The page tries again by itself `, left, ".");
      this.#show(said, now, give);
      this.#timer = setInterval(() => {
        seconds -= 1;
        if (seconds <= 0) leave(true);
        else left.textContent = wait(seconds);
      }, 1000);
    });
  }

  /** A hint that stays until it is closed. */
  hint(...children) {
    const leave = () => {
      hint.remove();
      byId("listen").focus(); // the focus would be lost with the button
    };
    const close = element("button.close", { type: "button", "aria-label": "Close this hint", click: leave }, "×");
    const hint = element("aside.hint", { "aria-label": "Hint" }, element("div", {}, ...children), close);
    this._place.before(hint);
  }

  clear() {
    this._place.replaceChildren();
  }

  #show(...children) {
    clearInterval(this.#timer);
    this._place.replaceChildren(element("div.problem", { role: "alert" }, ...children));
  }
}

function wait(seconds) {
  return `in ${Math.ceil(seconds)} s`;
}
