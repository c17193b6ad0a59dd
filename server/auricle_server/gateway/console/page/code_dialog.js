// The dialog with the program that makes the stream on the page.

import { LANGUAGES, program } from "./code.js";
import { byId, element } from "./dom.js";

export class CodeDialog {
  #dialog = byId("code-dialog");
  #settings = null;

  /**
   * @param {string} address Of the server.
   * @param {boolean} keys Whether it wants a key.
   */
  constructor(address, keys) {
    this._address = address;
    this._keys = keys;
    const radios = Object.entries(LANGUAGES).map(([name, { title }], i) => {
      const radio = element("input", { type: "radio", name: "written", value: name, change: () => this.#write() });
      radio.checked = i === 0;
      return element("label", {}, radio, element("span", {}, title));
    });
    byId("code-languages").replaceChildren(...radios);
    byId("code-close").addEventListener("click", () => this.#dialog.close());
    byId("code-copy").addEventListener("click", () => this.#copy());
  }

  /** Opens the dialog for these settings. */
  open(settings) {
    this.#settings = settings;
    this.#write();
    this.#dialog.showModal();
  }

  #write() {
    const chosen = byId("code-languages").querySelector(":checked").value;
    byId("code-text").textContent = program(chosen, this.#settings, this._address, this._keys);
    byId("code-said").textContent = "";
  }

  async #copy() {
    const said = byId("code-said");
    try {
      await navigator.clipboard.writeText(byId("code-text").textContent);
      said.textContent = "Copied.";
    } catch (error) {
      // Pages over plain HTTP have no clipboard.
      getSelection().selectAllChildren(byId("code-text"));
      said.textContent = `Press Ctrl+C: the browser does not copy by itself (${error.name}).`;
    }
  }
}
