/** An event stream (WHATWG HTML, section 9.2), read with `fetch`: unlike `EventSource` it can send a token. */

/** Takes text as it comes, in pieces cut anywhere, and gives complete events. */
export class EventStreamParser {
  #rest = "";
  #data = [];
  #type = "";

  /**
   * @param {string} text
   * @returns {{type: string, data: string}[]} Events that the text completes.
   */
  push(text) {
    const events = [];
    this.#rest += text;
    for (;;) {
      const end = this.#rest.search(/[\r\n]/);
      // A carriage return at the very end may be the first half of a line end.
      if (end < 0 || (this.#rest[end] === "\r" && end === this.#rest.length - 1)) return events;
      const line = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + (this.#rest.startsWith("\r\n", end) ? 2 : 1));
      const event = this.#take(line);
      if (event) events.push(event);
    }
  }

  #take(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    if (name === "event") this.#type = value;
    return null;
  }

  #dispatch() {
    const event = this.#data.length ? { type: this.#type || "message", data: this.#data.join("\n") } : null;
    this.#data = [];
    this.#type = "";
    return event;
  }
}

const ASKS_FOR_KEY = "The server asks for a key.";
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;
// The server sends every second; a connection that has been silent for longer is dead, though nobody closed it.
const SILENT_MILLISECONDS = 15_000;

/**
 * The status of a server, again and again until it is closed. Dispatches "sample" with the parsed JSON of each event, and
 * "state" with `{state, reason}`: "connecting", "live", "lost" (it tries again by itself) or "refused" (a key is missing or
 * wrong: it tries again when `retry` is called).
 */
export class StatusSource extends EventTarget {
  #abort = null;
  #closed = false;
  #wake = null;
  #refused = false;

  /**
   * @param {string} url
   * @param {object} [options]
   * @param {(refused: boolean) => Promise<string|null>} [options.getToken] A key or token; null where the server needs
   *   none. `refused` says that the server has not taken the last one.
   * @param {typeof fetch} [options.fetch]
   */
  constructor(url, { getToken = async () => null, fetch = globalThis.fetch.bind(globalThis) } = {}) {
    super();
    this.url = url;
    this.state = "connecting";
    this._getToken = getToken;
    this._fetch = fetch;
  }

  /** Reads until `close`. */
  async run() {
    let wait = FIRST_WAIT;
    while (!this.#closed) {
      this.#say("connecting", "");
      const { state, reason, received } = await this.#read();
      if (this.#closed) return;
      if (received) wait = FIRST_WAIT;
      this.#say(state, reason);
      await this.#pause(state === "refused" ? Infinity : wait);
      wait = Math.min(2 * wait, LONGEST_WAIT);
    }
  }

  /** Tries again at once, for example with a new token. */
  retry() {
    this.#wake?.();
  }

  close() {
    this.#closed = true;
    this.#abort?.abort();
    this.#wake?.();
  }

  async #read() {
    this.#abort = new AbortController();
    let received = false;
    let timer = 0;
    let token;
    try {
      token = await this._getToken(this.#refused);
    } catch {
      return { state: "refused", reason: ASKS_FOR_KEY, received }; // the user gives none now
    }
    try {
      const headers = { Accept: "text/event-stream", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
      const response = await this._fetch(this.url, { headers, signal: this.#abort.signal, cache: "no-store" });
      this.#refused = response.status === 401;
      if (this.#refused) return { state: "refused", reason: ASKS_FOR_KEY, received };
      if (!response.ok) return { state: "lost", reason: `The server answers ${response.status}.`, received };
      const parser = new EventStreamParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const expect = () => {
        clearTimeout(timer);
        timer = setTimeout(() => this.#abort.abort(), SILENT_MILLISECONDS);
      };
      this.#say("live", "");
      for (expect(); ; expect()) {
        const { done, value } = await reader.read();
        if (done) return { state: "lost", reason: "The server has closed the connection.", received };
        for (const { data } of parser.push(value)) {
          received = true;
          this.dispatchEvent(new CustomEvent("sample", { detail: JSON.parse(data) }));
        }
      }
    } catch (error) {
      const reason = error instanceof SyntaxError ? "The server sends no status that this page can read." : "The server cannot be reached.";
      this.#abort.abort(); // a stream that is half read holds its connection
      return { state: "lost", reason, received };
    } finally {
      clearTimeout(timer);
    }
  }

  #say(state, reason) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, reason } }));
  }

  #pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = milliseconds === Infinity ? 0 : setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
