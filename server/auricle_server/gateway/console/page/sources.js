// Where the sound of a take comes from: a microphone, or a file that is played.

import { Microphone, toPcm16 } from "/console/auricle.js";
import { RATE } from "./recording.js";

const FRAME = RATE / 50;
const TICK_MS = 20;

/** What cannot be played, in words. */
export class Undecodable extends Error {}

/**
 * The sound of a file in any format that the browser knows, as 16 kHz mono.
 *
 * @param {ArrayBuffer} bytes Is empty afterwards.
 * @param {string} name For the error.
 * @returns {Promise<Int16Array>}
 * @throws {Undecodable} The browser cannot decode it.
 */
export async function decoded(bytes, name) {
  let buffer;
  try {
    // Decoding resamples to the rate of the context.
    buffer = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes);
  } catch (error) {
    throw new Undecodable(`${name}: this browser cannot play it. Try WAV, MP3, FLAC or Ogg.`, { cause: error });
  }
  return toPcm16(mono(buffer));
}

function mono(buffer) {
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, i) => buffer.getChannelData(i));
  if (channels.length === 1) return channels[0];
  const mixed = new Float32Array(buffer.length);
  for (const channel of channels) for (let i = 0; i < mixed.length; i++) mixed[i] += channel[i] / channels.length;
  const [loudest] = channels.toSorted((one, other) => energy(other) - energy(one));
  // Channels in antiphase cancel each other out.
  return energy(mixed) < 0.05 * energy(loudest) ? loudest : mixed;
}

function energy(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum;
}

/** The user's microphone. */
export class MicrophoneSource {
  /** @param {string} deviceId "" for the browser's choice. */
  constructor(deviceId) {
    this.name = "microphone";
    this.live = true;
    this.offline = false;
    this._deviceId = deviceId;
  }

  /**
   * Asks for permission.
   *
   * @throws {import("/console/auricle.js").MicrophoneError} There is no sound, and why.
   */
  async prepare() {
    const device = this._deviceId === "" ? {} : { deviceId: this._deviceId };
    // The page's policy allows no script from a Blob: the client's file is the worklet's, too.
    this._microphone = await Microphone.open({ ...device, workletUrl: "/console/auricle.js" });
    this.name = this._microphone.label || "microphone";
  }

  /**
   * @param {(pcm: Int16Array) => void} hear Takes every frame.
   * @returns {Promise<void>} Kept when there is no more sound; broken when the device has gone.
   */
  play(hear) {
    return new Promise((resolve, reject) => {
      this._microphone.addEventListener("frame", (event) => hear(event.detail));
      this._microphone.addEventListener("ended", ({ detail }) => (detail.error ? reject(detail.error) : resolve()));
    });
  }

  async stop() {
    await this._microphone?.stop();
  }
}

/** A file or a clip, at the speed of speech or as fast as it is taken. */
export class FileSource {
  /**
   * @param {Int16Array} pcm 16 kHz mono.
   * @param {string} name
   * @param {{fast: boolean, audible: boolean}} manner Fast: no stream of it is live.
   */
  constructor(pcm, name, { fast, audible }) {
    this.pcm = pcm;
    this.name = name;
    this.live = !fast;
    this.offline = fast;
    this._audible = audible && !fast;
    this._position = 0;
  }

  async prepare() {}

  /** As `MicrophoneSource.play`; `hear` may return a promise, for which a fast source waits. */
  play(hear) {
    return this.offline ? this._hurry(hear) : this._pace(hear);
  }

  async stop() {
    this._stopped = true;
    clearInterval(this._timer);
    this._resolve?.();
    await this._speaker?.close();
    this._speaker = null;
  }

  async _hurry(hear) {
    while (!this._stopped && this._position < this.pcm.length) await hear(this._next(RATE));
  }

  _pace(hear) {
    this._sound();
    const began = performance.now();
    return new Promise((resolve) => {
      this._resolve = resolve;
      // By the clock, not by the count of ticks: a page in the background gets few of them.
      this._timer = setInterval(() => {
        const due = ((performance.now() - began) / 1000) * RATE;
        while (this._position + FRAME <= due && this._position < this.pcm.length) hear(this._next(FRAME));
        if (this._position >= this.pcm.length) this.stop();
      }, TICK_MS);
    });
  }

  _next(samples) {
    const from = this._position;
    this._position = Math.min(from + samples, this.pcm.length);
    return this.pcm.subarray(from, this._position);
  }

  _sound() {
    if (!this._audible) return;
    this._speaker = new AudioContext();
    playOn(this._speaker, this.pcm);
  }
}

/** Plays 16 kHz mono on a context. */
export function playOn(context, pcm) {
  if (pcm.length === 0) return;
  const buffer = context.createBuffer(1, pcm.length, RATE);
  buffer.getChannelData(0).set(Float32Array.from(pcm, (sample) => sample / 32768));
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  source.start();
}
