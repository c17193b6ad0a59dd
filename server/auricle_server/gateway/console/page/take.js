// A take: one sound, and the streams that hear it.

import { Recording } from "./recording.js";
import { opening, refusedBy, update } from "./settings.js";
import { Talk } from "./talk.js";

/** One stream of a take: it sends the sound, and its talk records what comes back. */
export class TakeStream {
  #client;
  #stream = null;
  #sending = Promise.resolve();
  #before = null; // settings before the last change, for a refusal

  constructor(client, recording, settings) {
    this.#client = client;
    this.talk = new Talk(recording, settings);
  }

  /** Whether there is a stream that takes sound. */
  get open() {
    return this.#stream?.isOpen ?? false;
  }

  /**
   * Opens a stream, which hears the take from now on.
   *
   * @param {boolean} offline As fast as the server reads, with its largest latency.
   * @throws {import("/console/auricle.js").AuricleError} No stream, and why.
   */
  async begin(offline) {
    const { talk } = this;
    talk.setState("connecting");
    const settings = { ...opening(talk.settings), interimWords: !offline, signals: !offline, offline };
    if (offline) delete settings.latencyMs;
    try {
      this.#stream = await this.#client.stream(settings);
    } catch (error) {
      talk.setState("failed", error);
      throw error;
    }
    talk.open(this.#stream.ready, talk.seconds);
    this.finished = this.#read(this.#stream);
  }

  /** Sends sound; resolves when the stream has taken it. Nothing is dropped: what a slow network delays, waits. */
  send(pcm) {
    const stream = this.#stream;
    const send = () => (stream.isOpen ? stream.send(pcm) : undefined);
    // Why a stream fails is told once, where its events are read.
    this.#sending = this.#sending.then(send).catch(() => undefined);
    return this.#sending;
  }

  /** New settings, in force from the next chunk on where the stream runs. */
  async change(settings) {
    const { talk } = this;
    const changes = update(talk.settings, settings);
    if (Object.keys(changes).length === 0) return;
    this.#before = talk.settings;
    talk.change(settings, changes);
    // Null is the server's default, which only a new stream takes.
    if (this.open) await this.#stream.update(changes);
  }

  /** Asks for a final now. */
  async finalize() {
    if (this.open) await this.#stream.finalize();
  }

  /** Breaks the connection, as a pulled plug does. */
  pull() {
    this.#stream?.breakConnection();
  }

  /** Ends the stream, after its last words. */
  async end() {
    await this.#sending;
    await this.#stream?.end();
  }

  /** Drops the stream. */
  close() {
    this.#stream?.close();
  }

  async #read(stream) {
    const { talk } = this;
    try {
      for await (const event of stream) {
        talk.receive(event);
        if (event.type === "error") this.#putBack(event.code);
      }
      talk.setState("ended");
    } catch (error) {
      talk.setState("failed", error);
    }
  }

  #putBack(code) {
    const names = refusedBy(code);
    if (names.length === 0 || this.#before === null) return;
    const kept = Object.fromEntries(names.map((name) => [name, this.#before[name]]));
    this.talk.change({ ...this.talk.settings, ...kept }, kept);
    this.#before = null;
  }
}

/** Dispatches "ended" with the source's error, or null, when the sound has ended and all streams have answered. */
export class Take extends EventTarget {
  recording = new Recording();
  /** @type {TakeStream[]} */ streams = [];
  #client;
  #ending = null;
  #sounds = false;

  /**
   * @param {import("/console/auricle.js").AuricleClient} client
   * @param {import("./sources.js").MicrophoneSource|import("./sources.js").FileSource} source
   */
  constructor(client, source) {
    super();
    this.#client = client;
    this.source = source;
  }

  /** A further stream of this take, without a connection yet. */
  add(settings) {
    const stream = new TakeStream(this.#client, this.recording, settings);
    this.streams.push(stream);
    return stream;
  }

  /**
   * Opens the streams that have none, and then the sound, unless it sounds already.
   *
   * @throws {import("/console/auricle.js").AuricleError} The server refuses a stream.
   */
  async begin() {
    await Promise.all(this.streams.filter((stream) => stream.talk.state !== "live").map((stream) => stream.begin(this.source.offline)));
    if (this.#sounds) return;
    this.#sounds = true;
    this.source.play((pcm) => this.#hear(pcm)).then(
      () => this.#finish(null),
      (error) => this.#finish(error),
    );
  }

  /** Takes a stream away, without its last words. */
  remove(stream) {
    this.streams = this.streams.filter((each) => each !== stream);
    stream.close();
  }

  /** Ends the sound. Resolves when all streams have given their last words. */
  async stop() {
    await this.source.stop();
    if (this.#sounds) await this.#finish(null);
  }

  #hear(pcm) {
    this.recording.append(pcm, this.source.live ? performance.now() : null);
    return Promise.all(this.streams.filter((stream) => stream.open).map((stream) => stream.send(pcm)));
  }

  #finish(error) {
    this.#ending ??= this.#end(error);
    return this.#ending;
  }

  async #end(error) {
    await Promise.allSettled(this.streams.map((stream) => stream.end()));
    await Promise.allSettled(this.streams.map((stream) => stream.finished));
    this.dispatchEvent(new CustomEvent("ended", { detail: error }));
  }
}
