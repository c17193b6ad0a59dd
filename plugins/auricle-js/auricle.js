/*
 * Client of Auricle, a server for streaming speech-to-text. One module without dependencies, for browsers and Node;
 * auricle.d.ts beside it documents what it exports, and docs/protocol.md what it speaks.
 *
 * Copyright The Auricle authors. Licensed under the Apache License, Version 2.0.
 *
 * Whoever knows the Python client finds the same parts here under the same names: what is held for a replay, the merger of
 * several connections' events, the policy of reconnections. What differs follows from browsers: no headers (so
 * subprotocols), no sight of a refused upgrade (so a second attempt that asks for the reason), no connection that is
 * dropped without a close frame (so code 4000), and no word when a socket's buffer is empty (so its size is looked at).
 */

export const version = "0.1.0";

// --- errors ----------------------------------------------------------------------------------------------------------

export class AuricleError extends Error {
  constructor(message, { permanent = false, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.permanent = permanent;
  }
}

export class ConnectionFailed extends AuricleError {
  constructor(reason, message, options) {
    super(message, options);
    this.name = "ConnectionFailed";
    this.reason = reason;
  }
}

export class Refused extends AuricleError {
  constructor(code, message) {
    super(message, { permanent: true });
    this.name = "Refused";
    this.code = code;
  }
}

export class ServerFull extends AuricleError {
  constructor(code, message, retryAfterSeconds) {
    super(retryAfterSeconds === null ? message : `${message}; it suggests another attempt in ${retryAfterSeconds} s`);
    this.name = "ServerFull";
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export class ServerRestarting extends AuricleError {
  constructor(code, message, retryAfterSeconds) {
    super(message);
    this.name = "ServerRestarting";
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export class Backpressure extends AuricleError {
  constructor(unsentSeconds) {
    super(`${unsentSeconds.toFixed(1)} s of audio wait to be sent, which is the limit; send more slowly`);
    this.name = "Backpressure";
    this.unsentSeconds = unsentSeconds;
  }
}

export class ProtocolError extends AuricleError {
  constructor(code, message) {
    super(`${code}: ${message}`, { permanent: true });
    this.name = "ProtocolError";
    this.code = code;
  }
}

export class StreamFailed extends AuricleError {
  constructor(code, fault, message) {
    // Only the time of the stream was over: a new connection continues it, although the code blames the client.
    const expired = code === "idle_timeout" || code === "stream_too_long";
    super(`${code}: ${message}`, { permanent: fault === "client" && !expired });
    this.name = "StreamFailed";
    this.code = code;
    this.fault = fault;
    this.expired = expired;
  }
}

export class MicrophoneError extends AuricleError {
  constructor(reason, message, cause) {
    super(message, { permanent: true, cause });
    this.name = "MicrophoneError";
    this.reason = reason;
  }
}

export class InvalidOption extends TypeError {
  constructor(option, problem) {
    super(`${option}: ${problem}`);
    this.name = "InvalidOption";
    this.option = option;
  }
}

// --- settings: checked here, where the caller is, and written as the wire has them --------------------------------------

function brief(value) {
  const text = typeof value === "string" ? JSON.stringify(value) : Array.isArray(value) ? "a list" : String(value);
  return text.length <= 64 ? text : `${text.slice(0, 64)}...`;
}

function isWhole(value) {
  return Number.isSafeInteger(value);
}

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

function isText(value) {
  // JSON can escape half of a surrogate pair, which UTF-8 cannot carry.
  return typeof value === "string" && !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(value);
}

/** A check: returns the value for the wire, or throws. */
const checks = {
  whole: (least, most) => (value, name) => {
    const fits = isWhole(value) && value >= least && value <= most;
    if (!fits) throw new InvalidOption(name, `expected a whole number from ${least} to ${most}, got ${brief(value)}`);
    return value;
  },
  number: (least, most) => (value, name) => {
    const fits = isNumber(value) && value >= least && value <= most;
    if (!fits) throw new InvalidOption(name, `expected a number from ${least} to ${most}, got ${brief(value)}`);
    return value;
  },
  oneOf:
    (...values) =>
    (value, name) => {
      if (!values.includes(value)) throw new InvalidOption(name, `expected one of ${values.join(", ")}, got ${brief(value)}`);
      return value;
    },
  boolean: (value, name) => {
    if (typeof value !== "boolean") throw new InvalidOption(name, `expected true or false, got ${brief(value)}`);
    return value;
  },
  text: (value, name) => {
    if (!isText(value)) throw new InvalidOption(name, `expected a string, got ${brief(value)}`);
    return value;
  },
  list: (check) => (value, name) => {
    const isList = value !== null && typeof value === "object" && typeof value[Symbol.iterator] === "function";
    if (!isList) throw new InvalidOption(name, `expected a list, got ${brief(value)}`);
    return Array.from(value, (item, index) => check(item, `${name}[${index}]`));
  },
  /** A setting that may also be null, on the wire too. */
  nullable: (check) => (value, name) => (value === null ? null : check(value, name)),
  shape: (fields) => (value, name) => shaped(fields, value, name),
};

function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** An object with known fields only, each checked and named as on the wire; null and undefined leave a field out. */
function shaped(fields, value, path) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new InvalidOption(path, `expected an object, got ${brief(value)}`);
  }
  const wire = {};
  for (const [name, given] of Object.entries(value)) {
    const full = path === "" || path === "options" ? name : `${path}.${name}`;
    const check = Object.hasOwn(fields, name) ? fields[name] : null;
    if (check === null) throw new InvalidOption(full, `unknown; expected ${Object.keys(fields).join(", ")}`);
    if (given !== undefined && given !== null) wire[snake(name)] = check(given, full);
  }
  return wire;
}

const silence = checks.whole(80, 10_000);

const TURN_FIELDS = {
  mode: checks.oneOf("off", "silence", "semantic"),
  silenceMs: silence,
  eagerSilenceMs: checks.whole(80, 10_000),
  endThreshold: checks.number(0, 1),
  eagerThreshold: checks.number(0, 1),
  minSilenceMs: silence,
  maxSilenceMs: silence,
  maxTurnSeconds: checks.number(1, 3600),
  expect: checks.oneOf("none", "digits", "letters"),
  noWords: checks.boolean,
};

const TURN_DEFAULTS = {
  mode: "silence",
  silence_ms: 500,
  end_threshold: 0.75,
  min_silence_ms: 160,
  max_silence_ms: 2500,
  expect: "none",
};

function turnSettings(value, name) {
  const wire = shaped(TURN_FIELDS, value, name);
  const { silence_ms, eager_silence_ms, end_threshold, eager_threshold, min_silence_ms, max_silence_ms } = {
    ...TURN_DEFAULTS,
    ...wire,
  };
  if (eager_silence_ms !== undefined && eager_silence_ms >= silence_ms) {
    throw new InvalidOption(`${name}.eagerSilenceMs`, `expected less than silenceMs, got ${eager_silence_ms}`);
  }
  if (end_threshold === 0) throw new InvalidOption(`${name}.endThreshold`, "expected more than 0, got 0");
  if (eager_threshold !== undefined && (eager_threshold === 0 || eager_threshold >= end_threshold)) {
    throw new InvalidOption(
      `${name}.eagerThreshold`,
      `expected more than 0 and less than endThreshold, got ${eager_threshold}`,
    );
  }
  if (min_silence_ms > max_silence_ms) {
    throw new InvalidOption(`${name}.minSilenceMs`, `expected at most maxSilenceMs, got ${min_silence_ms}`);
  }
  return wire;
}

/** Seconds without a word after which a turn has certainly ended; 0 for "off". In semantic mode it may end earlier. */
function longestSilence(turn) {
  const { mode, silence_ms, max_silence_ms, expect } = { ...TURN_DEFAULTS, ...turn };
  if (mode === "off") return 0;
  const longest = mode === "silence" ? silence_ms : max_silence_ms;
  return (expect === "none" ? longest : Math.max(longest, 1500)) / 1000;
}

function phrase(value, name) {
  checks.text(value, name);
  if (value.length > 100) throw new InvalidOption(name, "expected at most 100 characters");
  return value;
}

function replacement(value, name) {
  const wire = shaped({ search: phrase, replacement: phrase }, value, name);
  if ((wire.search ?? "").trim() === "") throw new InvalidOption(`${name}.search`, "expected a phrase, got an empty one");
  return wire;
}

function replacements(value, name) {
  const listed = checks.list(replacement)(value, name);
  if (listed.length > 200) throw new InvalidOption(name, `expected at most 200, got ${listed.length}`);
  return listed;
}

const UPDATE_FIELDS = {
  latencyMs: checks.whole(1, 1_000_000),
  language: checks.text,
  turn: turnSettings,
  keyterms: checks.list(checks.text),
  refine: checks.oneOf("off", "on", "auto"),
  textFormat: checks.shape({
    numbers: checks.oneOf("words", "numerals", "smart"),
    profanityFilter: checks.boolean,
    replace: replacements,
  }),
};

const START_FIELDS = {
  ...UPDATE_FIELDS,
  encoding: checks.oneOf("pcm_s16le", "mulaw", "alaw"),
  sampleRate: checks.whole(8_000, 48_000),
  words: checks.boolean,
  interimWords: checks.boolean,
  offline: checks.boolean,
  signals: checks.boolean,
  model: checks.text,
};

/** The `start` message of a stream, without its type. */
function startMessage(settings) {
  const start = shaped(START_FIELDS, settings ?? {}, "");
  if (start.offline && start.latency_ms !== undefined) {
    throw new InvalidOption("latencyMs", "an offline stream has the model's largest; leave it out");
  }
  return start;
}

const POLICY_FIELDS = {
  attempts: checks.whole(0, 1_000_000),
  firstDelayMs: checks.number(0, 3_600_000),
  maxDelayMs: checks.number(0, 3_600_000),
  jitter: checks.number(0, 1),
  replaySeconds: checks.number(0, 86_400),
  waitWhileFull: checks.boolean,
};

function callable(value, name) {
  if (typeof value !== "function") throw new InvalidOption(name, `expected a function, got ${brief(value)}`);
  return value;
}

/** RFC 9110, section 5.6.2: what a subprotocol may be made of. */
function token(value, name) {
  if (typeof value !== "string" || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(value)) {
    throw new InvalidOption(name, "expected a token or key of letters, digits and !#$%&'*+-.^_`|~");
  }
  return value;
}

const CLIENT_FIELDS = {
  token,
  getToken: callable,
  reconnect: checks.shape(POLICY_FIELDS),
  connectTimeoutMs: checks.number(1, 3_600_000),
  answerTimeoutMs: checks.number(1, 3_600_000),
  packetMs: checks.number(1, 1_000),
  sendBufferSeconds: checks.number(0.02, 86_400),
  WebSocket: callable,
};

// --- audio -----------------------------------------------------------------------------------------------------------

const BIG_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

export function toPcm16(samples) {
  const pcm = new Int16Array(samples.length);
  for (let index = 0; index < samples.length; index += 1) {
    const sample = samples[index];
    // Not 32768: int16 ends at 32767, and 1.0 must fit. Only NaN differs from itself.
    pcm[index] = sample !== sample ? 0 : Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
  }
  return pcm;
}

/** The bytes of audio in a stream's encoding; a copy, since the caller may use its buffer again. */
function bytesOf(audio, encoding, width) {
  let bytes = null;
  if (audio instanceof Float32Array) audio = toPcm16(audio);
  if (audio instanceof Int16Array) {
    if (encoding !== "pcm_s16le") {
      throw new InvalidOption("audio", `expected bytes of ${encoding} as a Uint8Array, got samples`);
    }
    bytes = new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength).slice();
    if (BIG_ENDIAN) new Uint16Array(bytes.buffer).forEach((each, index, all) => (all[index] = (each << 8) | (each >> 8)));
  } else if (audio instanceof Uint8Array) {
    bytes = new Uint8Array(audio);
  } else if (audio instanceof ArrayBuffer) {
    bytes = new Uint8Array(audio.slice(0));
  } else {
    throw new InvalidOption(
      "audio",
      `expected an Int16Array, a Float32Array, a Uint8Array or an ArrayBuffer, got ${brief(audio)}`,
    );
  }
  if (bytes.length % width !== 0) {
    throw new InvalidOption("audio", `${bytes.length} bytes are no whole number of ${width}-byte samples`);
  }
  return bytes;
}

/**
 * What runs beside the page, in the audio worklet, and the resampler, which runs on both sides. One function that uses
 * nothing around it: its text is the worklet's source, whatever a bundler makes of the names.
 */
function defineWorklet(scope) {
  const CROSSINGS = 24; // of the sinc on each side: flat to 95 % of the band, and more than 80 dB down beyond it
  const BETA = 8; // of the Kaiser window
  const MOST_PHASES = 2048;

  function bessel(x) {
    let sum = 1;
    for (let term = 1, k = 1; term > 1e-9 * sum; k += 1) sum += term *= (x / (2 * k)) ** 2;
    return sum;
  }

  class Resampler {
    constructor(from, to) {
      for (const rate of [from, to]) {
        if (!(rate > 0 && rate < Infinity)) throw new RangeError(`expected a positive sample rate, got ${rate}`);
      }
      this.step = from / to;
      this.count = 0; // of output samples: positions are products, so no rounding adds up
      // A narrower band for a lower rate, so that nothing is folded back into it.
      const band = 0.95 * Math.min(1, to / from);
      this.half = Math.ceil(CROSSINGS / band);
      this.held = new Float32Array(this.half); // silence before the first sample
      this.start = -this.half; // position of the first sample held
      this.received = 0;
      this.phases = Math.min(MOST_PHASES, Math.round(to) / greatest(Math.round(from), Math.round(to)));
      this.filters = Array.from({ length: this.phases }, (_, phase) => this.filter(phase / this.phases, band));
    }

    /** The taps for an output sample `fraction` of an input sample after one. */
    filter(fraction, band) {
      const taps = new Float32Array(2 * this.half);
      let sum = 0;
      for (let index = 0; index < taps.length; index += 1) {
        const x = index - this.half + 1 - fraction;
        const inside = 1 - (x / this.half) ** 2;
        const sinc = x === 0 ? 1 : Math.sin(Math.PI * band * x) / (Math.PI * band * x);
        taps[index] = inside > 0 ? (sinc * bessel(BETA * Math.sqrt(inside))) / bessel(BETA) : 0;
        sum += taps[index];
      }
      return taps.map((tap) => tap / sum);
    }

    process(samples) {
      const joined = new Float32Array(this.held.length + samples.length);
      joined.set(this.held);
      joined.set(samples, this.held.length);
      this.received += samples.length;
      return this.convolve(joined, this.received - this.half);
    }

    flush() {
      const joined = new Float32Array(this.held.length + this.half);
      joined.set(this.held);
      return this.convolve(joined, this.received - 1e-9);
    }

    /** The output samples up to position `end`; holds what the next ones need. */
    convolve(joined, end) {
      const out = new Float32Array(Math.max(0, Math.ceil(end / this.step - this.count + 1)));
      let made = 0;
      for (; this.count * this.step < end; this.count += 1, made += 1) {
        const position = this.count * this.step;
        let whole = Math.floor(position);
        let phase = Math.round((position - whole) * this.phases);
        if (phase === this.phases) [whole, phase] = [whole + 1, 0];
        const taps = this.filters[phase];
        const first = whole - this.half + 1 - this.start;
        let sum = 0;
        for (let index = 0; index < taps.length; index += 1) {
          const at = first + index;
          if (at < joined.length) sum += taps[index] * joined[at];
        }
        out[made] = sum;
      }
      const drop = Math.min(joined.length, Math.max(0, Math.floor(this.count * this.step) - this.half - this.start));
      this.held = joined.slice(drop);
      this.start += drop;
      return out.slice(0, made);
    }
  }

  function greatest(a, b) {
    return b === 0 ? a : greatest(b, a % b);
  }

  if (scope === null) return Resampler;

  /** Posts frames of 16-bit samples, mono, at the rate that it is told. */
  class Capture extends scope.AudioWorkletProcessor {
    constructor({ processorOptions }) {
      super();
      const { sampleRate, frameSamples } = processorOptions;
      this.resampler = sampleRate === scope.sampleRate ? null : new Resampler(scope.sampleRate, sampleRate);
      this.frame = new Int16Array(frameSamples);
      this.filled = 0;
      this.powers = [0, 0];
      this.running = true;
      this.port.onmessage = () => (this.running = false);
    }

    process([channels]) {
      const mono = this.mix(channels);
      const samples = this.resampler === null ? mono : this.resampler.process(mono);
      for (let index = 0; index < samples.length; index += 1) {
        this.frame[this.filled] = Math.round(Math.max(-1, Math.min(1, samples[index])) * 32767);
        this.filled += 1;
        if (this.filled === this.frame.length) {
          const frame = this.frame;
          this.frame = new Int16Array(frame.length);
          this.filled = 0;
          this.port.postMessage(frame, [frame.buffer]);
        }
      }
      return this.running;
    }

    /** The mean of the channels; the first one where they cancel each other, as two in antiphase do. */
    mix(channels) {
      if (channels.length === 0) return new Float32Array(128); // no sound arrives, and the clock goes on
      if (channels.length === 1) return channels[0];
      const mean = new Float32Array(channels[0].length);
      let [power, whole] = this.powers.map((each) => each * 0.97); // forgets within a tenth of a second
      for (let index = 0; index < mean.length; index += 1) {
        for (const channel of channels) {
          mean[index] += channel[index] / channels.length;
          whole += channel[index] ** 2 / channels.length;
        }
        power += mean[index] ** 2;
      }
      this.powers = [power, whole];
      return power < 0.001 * whole ? channels[0] : mean;
    }
  }

  scope.registerProcessor("auricle-capture", Capture);
  return Resampler;
}

export const Resampler = defineWorklet(null);

// --- what a server may have to be sent again ---------------------------------------------------------------------------

/** Audio is sent at least this often, however long the server's chunks are: a break then loses little on the way. */
const LONGEST_WAIT_SECONDS = 0.16;
/** A longer message would hold up the messages after it, and a cut in the middle of it would lose all of it. */
const LARGEST_PACKET_SECONDS = 0.5;
/** Audio that may be in the socket's own buffer: two seconds at 16 kHz. */
const SOCKET_BYTES = 64 << 10;

/**
 * A window of the stream's audio. Positions are bytes of all audio: what lies before `front` is dropped, what lies from
 * there to `cursor` has been sent on the present connection, and what lies from there to `tail` has not.
 */
class HeldAudio {
  #bytes = new Uint8Array(1 << 12);
  #offset = 0;
  #length = 0;
  #limit;

  constructor(limit) {
    this.#limit = limit;
    this.front = 0;
    this.cursor = 0;
  }

  get length() {
    return this.#length;
  }

  get tail() {
    return this.front + this.#length;
  }

  get unsent() {
    return this.tail - this.cursor;
  }

  /** Adds audio and drops the oldest beyond the limit; with `keepUnsent`, only of what has been sent. */
  append(audio, keepUnsent) {
    this.#makeRoom(audio.length);
    this.#bytes.set(audio, this.#offset + this.#length);
    this.#length += audio.length;
    const excess = this.#length - this.#limit;
    if (excess > 0) this.dropTo(this.front + Math.min(excess, keepUnsent ? this.cursor - this.front : this.#length));
  }

  /** The next bytes, which count as sent from now on. */
  read(size) {
    const at = this.#offset + this.cursor - this.front;
    this.cursor += size;
    return this.#bytes.slice(at, at + size);
  }

  dropTo(position) {
    if (position <= this.front) return;
    this.#offset += position - this.front;
    this.#length -= position - this.front;
    this.front = position;
    this.cursor = Math.max(this.cursor, position);
  }

  rewind() {
    this.cursor = this.front;
  }

  #makeRoom(size) {
    if (this.#offset + this.#length + size <= this.#bytes.length) return;
    // Twice of what is needed, so that moving costs each byte a constant number of copies.
    const needed = this.#length + size;
    const target = needed * 2 > this.#bytes.length ? new Uint8Array(needed * 2) : this.#bytes;
    target.set(this.#bytes.subarray(this.#offset, this.#offset + this.#length));
    this.#bytes = target;
    this.#offset = 0;
  }
}

const REFUSED_FIELDS = {
  unsupported_latency: ["latency_ms"],
  unsupported_language: ["language"],
  unsupported_keyterms: ["keyterms"],
  invalid_keyterms: ["keyterms"],
  // A shorter latency and a second pass both cost the server time; the error does not say which was too much.
  server_full: ["latency_ms", "refine"],
};

/** Messages in order, each after a position of the audio; those up to a cursor have been sent on this connection. */
class MessageLog {
  #entries = [];
  #cursor = 0;
  #sentCount = 0; // the server counts all messages of a stream, also those that are forgotten here
  #resendable = 0;
  /** Finalizes without an answer, sent or not, by their ids. */
  unanswered = new Map();

  get awaitsAnswer() {
    return this.#entries.some(({ message }) => message.type !== "update");
  }

  /** What this connection was asked for and has not answered. */
  get sentRequests() {
    const messages = this.#sent.map(({ message }) => message);
    const finalizes = messages.filter(({ type }) => type === "finalize").map(({ id }) => id);
    return { finalizes, ended: messages.some(({ type }) => type === "end") };
  }

  /** Position of the next message to send; null when all are sent. */
  get nextPosition() {
    return this.#cursor === this.#entries.length ? null : this.#entries[this.#cursor].position;
  }

  add(position, message) {
    const entry = { position, message };
    this.#entries.push(entry);
    if (message.type === "finalize") this.unanswered.set(message.id, entry);
  }

  takeNext() {
    this.#sentCount += 1;
    this.#cursor += 1;
    return this.#entries[this.#cursor - 1].message;
  }

  answer(id) {
    // Always there: the connection refuses an answer to a finalize that was not sent or is answered already.
    this.#forget(this.unanswered.get(id));
    this.unanswered.delete(id);
  }

  /** Forgets the updates sent before `position`, and returns them. One right there may not have been read yet. */
  settle(position) {
    const settled = this.#sent.filter((entry) => entry.position < position && entry.message.type === "update");
    settled.forEach((entry) => this.#forget(entry));
    return settled.map(({ message }) => message);
  }

  /** Takes a setting that the server refused out of its update, so that a replay does not ask for it again. */
  refuse(code, ready) {
    let found = null;
    for (const entry of [...this.#sent].reverse()) {
      for (const name of REFUSED_FIELDS[code] ?? []) {
        if (entry.message.type !== "update" || entry.message[name] === undefined) continue;
        // An error does not name its update: the setting that the server offers least is taken, of equals the newest.
        const likelihood = likelihoodOf(ready, name, entry.message[name]);
        if (found === null || likelihood < found.likelihood) found = { entry, name, likelihood };
      }
    }
    if (found !== null) {
      const { [found.name]: _, ...rest } = found.entry.message;
      found.entry.message = rest;
    }
  }

  rewind() {
    this.#resendable = this.#cursor;
    this.#cursor = 0;
  }

  restart() {
    this.#sentCount = 0;
  }

  /** Whether all that the server lacks is still here, when it has the first `count` messages. */
  canResume(count) {
    const lacking = this.#sentCount - count;
    return lacking >= 0 && lacking <= this.#resendable;
  }

  resume(count) {
    this.#cursor = this.#resendable - (this.#sentCount - count);
    this.#sentCount = count;
  }

  get #sent() {
    return this.#entries.slice(0, this.#cursor);
  }

  #forget(entry) {
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    this.#cursor -= 1;
  }
}

/** How likely the server is to follow a setting, from 0 on. */
function likelihoodOf(ready, name, asked) {
  if (name === "refine") return asked === "on" ? 0 : 3; // the others reserve no time and are never refused
  if (name === "latency_ms") return ready.latenciesMs.includes(asked) ? 2 : 0;
  if (name === "language") {
    if (ready.languages.includes(asked)) return 2;
    const language = asked.toLowerCase().split(/[-_.@]/)[0];
    return ready.languages.some((each) => each.toLowerCase().split("-")[0] === language) ? 1 : 0;
  }
  const { keyterms, keytermCharacters } = ready.limits;
  return asked.length <= keyterms && asked.every((each) => each.length <= keytermCharacters) ? 2 : 0;
}

/** The points of the audio up to which it is sent; audio that completes no chunk of the server changes nothing. */
class Packetizer {
  constructor(sampleRate, packetSeconds, chunks) {
    if (chunks === undefined || !(chunks.step > 0)) {
      this.first = null;
      this.step = Math.max(1, packetSeconds * sampleRate);
    } else {
      // Rounded to thousandths of a sample: 80 ms are whole at any rate, but not as a binary fraction.
      const rounded = (seconds) => Math.round(seconds * sampleRate * 1000) / 1000;
      this.first = rounded(chunks.first);
      // A long chunk is cut into equal parts, so that one point is always its end.
      this.step = rounded(chunks.step) / Math.ceil(chunks.step / LONGEST_WAIT_SECONDS - 1e-6);
    }
  }

  /** Whether a point lies after the first `sent` samples of the connection and within the first `given`. */
  isDue(sent, given) {
    if (this.first === null) return given - sent >= this.step;
    const passed = Math.floor((sent - this.first) / this.step); // negative within the first chunk
    return given >= this.first + (passed + 1) * this.step;
  }
}

/**
 * The memory for a replay. Audio is dropped only when a final (or silence) covers it, and a message only when it is
 * answered or its effect is part of `start`: a new server that is given `start` and all that is held ends up where the
 * lost one was.
 */
class ReplayBuffer {
  #audio;
  #messages = new MessageLog();
  #packetizer;
  #packetSeconds;
  #largestPacket;
  #attached = false;
  #origin = 0;
  #settled = 0;
  #accounted = 0;

  constructor(start, replaySeconds, packetSeconds) {
    this.start = start;
    this.encoding = start.encoding ?? "pcm_s16le";
    this.sampleRate = start.sample_rate ?? 16_000;
    this.width = this.encoding === "pcm_s16le" ? 2 : 1;
    this.bytesPerSecond = this.sampleRate * this.width;
    this.#packetSeconds = packetSeconds;
    this.#packetizer = new Packetizer(this.sampleRate, packetSeconds);
    this.#largestPacket = this.#positionOf(LARGEST_PACKET_SECONDS);
    this.#audio = new HeldAudio(this.#positionOf(replaySeconds));
  }

  get audioSeconds() {
    return this.#audio.tail / this.bytesPerSecond;
  }

  get frontSeconds() {
    return this.#audio.front / this.bytesPerSecond;
  }

  get unsentSeconds() {
    return this.#audio.unsent / this.bytesPerSecond;
  }

  get unanswered() {
    return this.#messages.unanswered;
  }

  get awaitsAnswer() {
    return this.#messages.awaitsAnswer;
  }

  get sentRequests() {
    return this.#messages.sentRequests;
  }

  /** While a connection lasts, only audio sent on it is dropped: a gap would shift the server's clock. */
  addAudio(bytes) {
    this.#audio.append(bytes, this.#attached);
  }

  addMessage(message) {
    this.#messages.add(this.#audio.tail, message);
  }

  /** What to send next, bytes or a message; null when everything is sent that is worth a packet. */
  nextUnsent() {
    let position = this.#messages.nextPosition;
    const { cursor, tail } = this.#audio;
    // A message takes the audio before it along, however short: the server must read both in this order.
    if (position === null) {
      position = tail;
      if (position === cursor || !this.#isDue(cursor, position)) return null;
    } else if (position <= cursor) {
      return this.#nextMessage();
    }
    return this.#audio.read(Math.min(position - cursor, this.#largestPacket));
  }

  #nextMessage() {
    const message = this.#messages.takeNext();
    if (message.type === "update" && message.latency_ms !== undefined) {
      // The chunks of the new latency are not known: `ready` told those of the old one.
      this.#packetizer = new Packetizer(this.sampleRate, this.#packetSeconds);
    }
    return message;
  }

  #isDue(cursor, tail) {
    // In samples since `#origin`: the chunks of the server count from the first audio that it received.
    return this.#packetizer.isDue((cursor - this.#origin) / this.width, (tail - this.#origin) / this.width);
  }

  /** No later event depends on audio before `seconds`. */
  settle(seconds) {
    // The bound by the cursor keeps a faulty server from settling audio that it was not sent.
    this.#settled = Math.max(this.#settled, Math.min(this.#positionOf(seconds), this.#audio.cursor));
    this.#audio.dropTo(this.#settled);
    for (const { type: _, ...settings } of this.#messages.settle(this.#settled)) {
      if (this.start.offline) delete settings.latency_ms; // it always has the largest of the model
      this.start = { ...this.start, ...settings };
    }
  }

  answer(id) {
    this.#messages.answer(id);
  }

  refuse(code, ready) {
    this.#messages.refuse(code, ready);
  }

  /** A connection begins at the front of the held audio. */
  attach(ready) {
    this.#adaptTo(ready);
    const { front } = this.#audio;
    this.#origin = front;
    this.#messages.restart();
    // `#accounted` keeps two breaks in a row from reporting the same gap twice.
    const lost = Math.max(0, front - Math.max(this.#settled, this.#accounted));
    this.#accounted = Math.max(this.#accounted, front);
    return {
      origin: front / this.bytesPerSecond,
      replayed: this.#audio.length / this.bytesPerSecond,
      lost: lost / this.bytesPerSecond,
    };
  }

  canResume(held) {
    const position = this.#origin + held.samples * this.width;
    return position >= this.#audio.front && position <= this.#audio.tail && this.#messages.canResume(held.messages);
  }

  /** A connection goes on with the stream of the one before. */
  resume(ready) {
    this.#adaptTo(ready);
    // A resumed stream keeps its origin; the server's count begins there and goes on over its connections.
    this.#audio.cursor = this.#origin + ready.held.samples * this.width;
    this.#messages.resume(ready.held.messages);
  }

  /** The connection is gone: everything held is unsent again. */
  detach(speaking) {
    // Unless a segment or turn is open, the audio sent so far held no words without a final: dropping it is no loss.
    if (!speaking) this.#accounted = Math.max(this.#accounted, this.#audio.cursor);
    this.#attached = false;
    this.#audio.rewind();
    this.#messages.rewind();
  }

  #adaptTo(ready) {
    this.#attached = true;
    const largest = Math.min(this.#largestPacket, ready.limits.messageBytes);
    this.#largestPacket = Math.max(this.width, largest - (largest % this.width));
    this.#packetizer = new Packetizer(this.sampleRate, this.#packetSeconds, ready.chunks);
  }

  #positionOf(seconds) {
    return Math.round(seconds * this.sampleRate) * this.width;
  }
}

/**
 * Decides whether more audio may be added now. With a healthy connection the bound is `seconds` of unsent audio. After an
 * interruption everything held is unsent again while a live speaker goes on: until that is caught up, audio is accepted
 * at the speed of speech. A microphone is never held back then, and a file waits for the new connection.
 */
class SendWindow {
  #seconds;
  #stallSeconds;
  #interruptedAt = null;
  #addedThen = 0;

  constructor(seconds) {
    this.#seconds = seconds;
    // A caller that may run far ahead must not delay the moment at which a server that takes no audio is given up.
    this.#stallSeconds = Math.min(seconds, 2);
  }

  interrupted(addedSeconds, now) {
    // A break before the backlog of the last one is sent continues that one: the speaker never stopped.
    if (this.#interruptedAt === null) [this.#interruptedAt, this.#addedThen] = [now, addedSeconds];
  }

  sent(unsentSeconds) {
    if (unsentSeconds < this.#stallSeconds) this.#interruptedAt = null;
  }

  allows(unsentSeconds, addedSeconds, now) {
    return this.#fits(this.#seconds, unsentSeconds, addedSeconds, now);
  }

  stalls(unsentSeconds, addedSeconds, now) {
    return !this.#fits(this.#stallSeconds, unsentSeconds, addedSeconds, now);
  }

  /** Milliseconds until more audio is accepted, as time alone allows it; null when time alone does not. */
  wait(addedSeconds, now) {
    if (this.#interruptedAt === null) return null;
    return Math.max(1, 1000 * (addedSeconds - this.#addedThen - this.#seconds - (now - this.#interruptedAt)));
  }

  #fits(bound, unsentSeconds, addedSeconds, now) {
    if (unsentSeconds < bound) return true;
    const since = this.#interruptedAt;
    return since !== null && addedSeconds - this.#addedThen < bound + now - since;
  }
}

// --- the events of several connections as those of one stream ----------------------------------------------------------

const TIMES = ["audioTime", "start", "end", "settled", "speechEnd"];

/** The event with all its times `seconds` later. */
function shifted(event, seconds) {
  if (seconds === 0) return event;
  const moved = { ...event };
  for (const name of TIMES) if (name in moved) moved[name] += seconds;
  const later = (each) => ({ ...each, start: each.start + seconds, ...("end" in each && { end: each.end + seconds }) });
  for (const name of ["words", "languages"]) if (name in moved) moved[name] = moved[name].map(later);
  return moved;
}

/**
 * A server that takes over a stream knows nothing of what another server did: its clock and its numbers start at zero, and
 * it does not know that a turn is open. The merger shifts times to the clock of the stream, drops what the caller has seen
 * already, and completes a turn whose first half went to another server: its words, what they dictate, and its end.
 */
class EventMerger {
  #turn;
  #origin = 0;
  #seq = 0;
  #open = false;
  // Whether the open turn (or segment) began on an earlier connection, and the finals that it got there and here.
  #takenOver = false;
  #earlierFinals = [];
  #finals = [];
  #speechEnd = 0;
  #noWordsUntil = 0;
  #signalsUntil = 0;
  #shownUntil = 0;
  #eagerText = null;

  constructor(turn) {
    this.#turn = turn;
  }

  get speaking() {
    return this.#open;
  }

  changeTurn(turn) {
    const [before, after] = [this.#mode, turn.mode ?? TURN_DEFAULTS.mode];
    // On a change from or to "off" servers drop an open turn.
    if (before !== after && [before, after].includes("off")) [this.#earlierFinals, this.#finals] = [[], []];
    this.#turn = turn;
  }

  /** A new connection takes over, `origin` seconds into the stream. */
  resume(origin) {
    this.#origin = origin;
    this.#takenOver = this.#open;
    this.#earlierFinals.push(...this.#finals);
    this.#finals = [];
  }

  toStreamTime(event) {
    return shifted(event, this.#origin);
  }

  /** The caller's events for an event whose times are the stream's; usually just that event. */
  merge(event) {
    return this.#merged(event).map((each) => this.#numbered(each));
  }

  /** The caller's last events, after the server's last, at the end of the audio. */
  finish(audioTime) {
    return this.#missingTurnEnd(audioTime).map((each) => this.#numbered(each));
  }

  get #mode() {
    return this.#turn.mode ?? TURN_DEFAULTS.mode;
  }

  #merged(event) {
    switch (event.type) {
      case "speech_started":
        return this.#speechStarted(event);
      case "interim":
        return this.#interim(event);
      case "final":
        this.#final(event);
        return [event];
      case "turn_eager_end":
        return this.#eagerEnd(event);
      case "turn_resumed":
        // The eager end may be withdrawn already, by an interim of the server that took over.
        return this.#eagerText === null ? [] : this.#turnResumed(event.audioTime, event.probability);
      case "turn_end":
        return this.#turnEnd(event);
      case "settled":
        // Nothing is open at the server: past all audio heard before the break, nothing is open here either.
        return this.#silentUntil(event.audioTime) ? this.#missingTurnEnd(event.audioTime) : [];
      case "no_words":
      case "signals":
        return this.#isReported(event) ? [] : [event];
      default:
        return [event];
    }
  }

  #speechStarted(event) {
    let ended = [];
    // Only when every word shown has its final, and the silence before the new word would have ended any turn.
    if (this.#mode !== "off" && this.#shownUntil === 0 && this.#silentUntil(event.start)) {
      ended = this.#missingTurnEnd(event.audioTime);
    }
    if (this.#takenOver) return [];
    this.#open = true;
    this.#speechEnd = event.start;
    return [...ended, event];
  }

  #interim(event) {
    // A replay passes words again that the caller displays already; interims with fewer would make the text flicker.
    if (this.#takenOver && event.end <= this.#shownUntil) return [];
    this.#shownUntil = event.end;
    // A server that takes over after an eager end does not know of it, and so does not take it back.
    const resumed = this.#takenOver && this.#eagerText !== null ? this.#turnResumed(event.audioTime) : [];
    return [event, ...resumed];
  }

  #final(event) {
    this.#shownUntil = 0;
    if (event.text !== "") {
      this.#finals.push(event);
      this.#speechEnd = event.end;
    }
    // In this mode servers send no turn ends, so the final is what closes.
    if (this.#mode === "off") this.#close();
  }

  #eagerEnd(event) {
    const whole = this.#wholeTurn(event);
    if (whole.text === this.#eagerText) return [];
    const resumed = this.#eagerText === null ? [] : this.#turnResumed(event.audioTime);
    this.#eagerText = whole.text;
    return [...resumed, whole];
  }

  #turnResumed(audioTime, probability = 0) {
    this.#eagerText = null;
    return [{ type: "turn_resumed", seq: 0, audioTime, probability }];
  }

  /** The end of a turn; an eager end with another text is taken back before it. */
  #turnEnd(event) {
    const whole = this.#wholeTurn(event);
    const mistaken = this.#eagerText !== null && this.#eagerText !== whole.text;
    const resumed = mistaken ? this.#turnResumed(event.audioTime, event.probability) : [];
    this.#close();
    return [...resumed, whole];
  }

  /** The event with the words of the whole turn, of which this connection's server knows the last. */
  #wholeTurn(event) {
    if (this.#earlierFinals.length === 0) return event;
    const parts = [...this.#earlierFinals, event];
    const said = parts.filter(({ text }) => text !== "");
    const { backchannel: _, collected: __, ...whole } = event;
    whole.text = said.map(({ text }) => text).join(" ");
    // More than a backchannel as soon as one part is; unknown as soon as a server has not judged a part.
    if (said.length > 0 && said.every(({ backchannel }) => backchannel !== undefined)) {
      whole.backchannel = Math.min(...said.map(({ backchannel }) => backchannel));
    }
    const collected = parts.map((part) => part.collected ?? "").join("");
    return collected === "" ? whole : { ...whole, collected };
  }

  /** Whether an earlier server has reported the same voice, or the signals there: a replay passes them again. */
  #isReported(event) {
    if (event.type === "signals") {
      const told = this.#signalsUntil;
      this.#signalsUntil = Math.max(told, event.audioTime);
      return event.audioTime <= told;
    }
    const reported = this.#noWordsUntil;
    this.#noWordsUntil = Math.max(reported, event.end);
    return event.start < reported;
  }

  /**
   * Whether one server for the whole stream would certainly have ended the turn by then. In semantic mode it might have
   * ended earlier; until the longest silence has passed, words that follow belong to the same turn.
   */
  #silentUntil(seconds) {
    return seconds - Math.max(this.#speechEnd, this.#shownUntil) >= longestSilence(this.#turn);
  }

  /** The end of a turn that was open at the break: the new server never saw the turn, so it cannot end it. */
  #missingTurnEnd(audioTime) {
    if (!this.#takenOver) return [];
    if (this.#mode === "off") {
      this.#close();
      return [];
    }
    this.#earlierFinals.push(...this.#finals);
    return this.#turnEnd({ type: "turn_end", seq: 0, audioTime, probability: 1, speechEnd: this.#speechEnd, text: "" });
  }

  #close() {
    this.#open = this.#takenOver = false;
    this.#shownUntil = 0;
    [this.#earlierFinals, this.#finals] = [[], []];
    this.#eagerText = null;
  }

  #numbered(event) {
    // Every server counts from 1, and events are added and dropped here, so the caller gets numbers of its own.
    this.#seq += 1;
    return { ...event, seq: this.#seq };
  }
}

const MOST_QUEUED = 1024;
/** Events that may wait before signals are replaced, too: several seconds of them, so that a burst loses none. */
const CROWDED = 64;

/** The events that wait for an iteration. */
class EventQueue {
  #events = [];
  #waiting = [];
  #readers = 0;
  #closed = false;
  #error = null;
  #onRead;

  constructor(onRead) {
    this.#onRead = onRead;
  }

  /** Whether an iteration leaves so many events unread that no more should be caused. */
  get isFull() {
    return this.#readers > 0 && this.#events.length >= MOST_QUEUED;
  }

  push(event) {
    if (this.#waiting.length > 0) {
      this.#waiting.shift().resolve({ value: event, done: false });
      return;
    }
    this.#dropReplaced(event.type);
    this.#events.push(event);
    if (this.#readers === 0 && this.#events.length > MOST_QUEUED) this.#events.shift();
  }

  /**
   * An interim says all that the one before it said, and `reconnecting` too; in a crowd, old signals are of no use. Only
   * interims and signals may lie between an interim and the one that it replaces.
   */
  #dropReplaced(type) {
    const between = type === "reconnecting" ? [type] : ["interim", "signals"];
    if (!between.includes(type) || (type === "signals" && this.#events.length < CROWDED)) return;
    for (let index = this.#events.length - 1; index >= 0; index -= 1) {
      const other = this.#events[index].type;
      if (other === type) this.#events.splice(index, 1);
      if (other === type || !between.includes(other)) return;
    }
  }

  close(error) {
    this.#closed = true;
    this.#error = error;
    for (const { resolve, reject } of this.#waiting.splice(0)) this.#end(resolve, reject);
  }

  iterate() {
    let reading = true;
    this.#readers += 1;
    const stop = () => {
      if (reading) this.#readers -= 1;
      reading = false;
      return Promise.resolve({ value: undefined, done: true });
    };
    return {
      next: () => (reading ? this.#next(stop) : stop()),
      return: stop,
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #next(stop) {
    return new Promise((resolve, reject) => {
      if (this.#events.length > 0) {
        resolve({ value: this.#events.shift(), done: false });
        this.#onRead();
      } else if (this.#closed) {
        stop();
        this.#end(resolve, reject);
      } else {
        this.#waiting.push({ resolve, reject });
      }
    });
  }

  #end(resolve, reject) {
    if (this.#error === null) resolve({ value: undefined, done: true });
    else reject(this.#error);
  }
}

// --- one connection ------------------------------------------------------------------------------------------------

const SUBPROTOCOL = "auricle.v1";
/** Of a close frame: the server keeps the stream as after a cut, which a page cannot bring about. */
const RETURNS = 4000;
/** For how long a socket that has failed may owe the close event that says how. */
const ERROR_MS = 1_000;
// RFC 6455, section 7.4.1: these blame the client, and the same messages would be refused again.
const CLIENT_FAULT_CLOSES = new Set([1002, 1003, 1007, 1008, 1009, 1010]);

/** The fields that this client needs of each event, with their types; what a server adds is passed on. */
const EVENT_FIELDS = {
  ready: {
    session: "string",
    model: "string",
    latencies_ms: "object",
    languages: "object",
    latency_ms: "number",
    language: "string",
    limits: "object",
  },
  speech_started: { start: "number" },
  interim: { text: "string", start: "number", end: "number", language: "string" },
  final: { text: "string", start: "number", end: "number", language: "string", settled: "number" },
  no_words: { start: "number", end: "number" },
  signals: { turn_open: "boolean" },
  settled: { settled: "number" },
  turn_eager_end: { probability: "number", speech_end: "number", text: "string" },
  turn_resumed: { probability: "number" },
  turn_end: { probability: "number", speech_end: "number", text: "string" },
  keyterms_in_force: { count: "number" },
  error: { code: "string", fault: "string", fatal: "boolean", message: "string" },
};

function camel(value) {
  if (Array.isArray(value)) return value.map(camel);
  if (value === null || typeof value !== "object") return value;
  const named = {};
  for (const [name, each] of Object.entries(value)) {
    named[name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())] = camel(each);
  }
  return named;
}

/** The event in a server's text; null for one that this version does not know. */
function decode(text) {
  let values;
  try {
    values = JSON.parse(text);
  } catch (error) {
    throw new ProtocolError("bad_json", `the server: ${error.message}`);
  }
  if (values === null || typeof values !== "object" || typeof values.type !== "string") {
    throw new ProtocolError("unknown_message", "the server: a message needs a type, a string");
  }
  const fields = Object.hasOwn(EVENT_FIELDS, values.type) ? EVENT_FIELDS[values.type] : null;
  if (fields === null) return null;
  for (const [name, type] of Object.entries({ seq: "number", audio_time: "number", ...fields })) {
    if (typeof values[name] !== type || values[name] === null) {
      throw new ProtocolError("invalid_field", `the server: ${name} of ${values.type}: expected a ${type}`);
    }
  }
  const event = camel(values);
  if (event.type === "final") return { words: [], refined: false, ...event };
  if (event.type !== "ready") return event;
  return { turnSignals: [], ...event, limits: { keyterms: 0, keytermCharacters: 0, ...event.limits } };
}

function errorOfEvent({ code, fault, message, retryAfter }) {
  const after = isNumber(retryAfter) ? retryAfter : null;
  if (code === "restarting" || (code === "shutting_down" && after !== null)) {
    return new ServerRestarting(code, message, after);
  }
  // Another attempt is suggested after too many streams, or too many wrong keys, as well.
  if (code === "server_full" || after !== null) return new ServerFull(code, message, after);
  if (code === "unauthorized" || code === "origin_not_allowed") return new Refused(code, message);
  return new StreamFailed(code, fault, message);
}

/**
 * A WebSocket from its first `start` on, and the client's side of the protocol on it. After `begin` its events go to
 * `onEvent`, and why it ended to `onOver`: null after the server's last event, an error otherwise.
 */
class Connection {
  #socket;
  #resuming;
  #inbox = [];
  #onEvent = null;
  #onOver = null;
  #over = undefined;
  #seq = 0;
  #ended = false;
  #unanswered = new Set();

  /** `resuming` says whether it asks for a stream that the server has kept; `onReady` and `onFailed` are to be set. */
  constructor(socket, address, resuming) {
    this.#socket = socket;
    this.#resuming = resuming;
    this.address = address;
    this.ready = null;
  }

  /** Bytes that the socket has not handed to the network. */
  get bufferedAmount() {
    return this.#socket.bufferedAmount;
  }

  /** How to resume the stream after a break; null when the server keeps no streams. */
  get resumePoint() {
    const token = this.ready.resumeToken;
    return token === undefined ? null : { address: this.address, token, seq: this.#seq };
  }

  begin(onEvent, onOver) {
    if (this.#over !== undefined) {
      onOver(this.#over);
      return;
    }
    [this.#onEvent, this.#onOver] = [onEvent, onOver];
    for (const arrived of this.#inbox.splice(0)) arrived();
  }

  /** The server continues a stream of an earlier connection, of which it has received these requests. */
  resumed({ finalizes, ended }) {
    finalizes.forEach((id) => this.#unanswered.add(id));
    this.#ended = ended;
  }

  send(outgoing) {
    if (this.#over !== undefined) return;
    if (outgoing instanceof Uint8Array) {
      this.#socket.send(outgoing);
      return;
    }
    if (outgoing.type === "finalize") this.#unanswered.add(outgoing.id);
    if (outgoing.type === "end") this.#ended = true;
    this.#socket.send(JSON.stringify(outgoing));
  }

  /** Ends the stream on the server. */
  close() {
    this.#finish(null, 1000);
  }

  /** Leaves, and the server keeps the stream for a while. */
  giveUp(error) {
    this.#finish(error, RETURNS);
  }

  // --- what the socket brings ---

  // What comes right after `ready` waits for `begin`: only then is it known what a resumed stream is owed.

  received(data) {
    if (this.#over !== undefined) return;
    if (this.#waits) {
      this.#inbox.push(() => this.received(data));
      return;
    }
    try {
      if (typeof data !== "string") throw new ProtocolError("unexpected_event", "the server sent binary data");
      const event = decode(data);
      if (event === null) return;
      this.#check(event);
      if (event.type !== "ready") {
        this.#onEvent(event);
        return;
      }
      this.ready = event;
      this.onReady();
    } catch (error) {
      this.#finish(error, 1000);
    }
  }

  closed(code, reason) {
    if (this.#waits) {
      this.#inbox.push(() => this.closed(code, reason));
      return;
    }
    // 1000 before our `end` does not mean that the stream is complete: its words are still owed.
    if (code === 1000 && this.#ended) {
      this.#finish(null, 1000);
    } else if (code === 1006) {
      this.#finish(new ConnectionFailed("lost", "the connection broke"), 1000);
    } else {
      const message = `the server closed the connection (${code}${reason === "" ? "" : `: ${reason}`})`;
      const error = CLIENT_FAULT_CLOSES.has(code)
        ? new ProtocolError("unexpected_event", message)
        : new ConnectionFailed("lost", message);
      this.#finish(error, 1000);
    }
  }

  #check(event) {
    if (event.seq <= this.#seq) {
      throw new ProtocolError("unexpected_event", `event ${event.seq} came after event ${this.#seq}`);
    }
    this.#seq = event.seq;
    if (event.type === "error" && event.fatal) throw errorOfEvent(event);
    if ((event.type === "ready") === (this.ready !== null)) {
      const problem = event.type === "ready" ? "ready twice" : `${event.type} before ready`;
      throw new ProtocolError("unexpected_event", `the server sent ${problem}`);
    }
    if (event.type === "final" && event.finalizeId !== undefined && !this.#unanswered.delete(event.finalizeId)) {
      throw new ProtocolError("unexpected_event", `no finalize "${event.finalizeId}" waits for an answer`);
    }
  }

  get #waits() {
    return this.ready !== null && this.#onEvent === null;
  }

  #finish(error, code) {
    if (this.#over !== undefined) return;
    this.#over = error;
    // The next attempt may still resume a stream that this one has not got.
    this.#socket.close(this.ready === null && this.#resuming ? RETURNS : code);
    if (this.ready === null) this.onFailed(error);
    this.#onOver?.(error);
  }
}

/** Errors of refused or failed upgrades: the server may say more when it is asked. */
const hidden = new WeakSet();

/** Connects, sends `start` and waits for `ready`. */
function openSocket({ WebSocket, url, address, protocols, start, resuming, timeoutMs }) {
  return new Promise((resolve, reject) => {
    let socket;
    try {
      socket = new WebSocket(url, protocols);
    } catch (error) {
      // A page that came over https may not open ws:.
      const message = `no WebSocket to ${address}: ${error.message}`;
      reject(new ConnectionFailed("unreachable", message, { permanent: true, cause: error }));
      return;
    }
    socket.binaryType = "arraybuffer";
    const connection = new Connection(socket, address, resuming);
    let opened = false;
    const timer = setTimeout(() => {
      connection.giveUp(new ConnectionFailed("timeout", `${address} was not ready within ${Math.round(timeoutMs)} ms`));
    }, timeoutMs);
    connection.onReady = () => {
      clearTimeout(timer);
      resolve(connection);
    };
    connection.onFailed = (error) => {
      clearTimeout(timer);
      reject(error ?? new ProtocolError("unexpected_event", "the server closed before it was ready"));
    };
    socket.addEventListener("open", () => {
      opened = true;
      if (connection.ready === null) connection.send({ type: "start", ...start });
    });
    socket.addEventListener("message", ({ data }) => connection.received(data));
    const unreachable = (detail) => {
      const message = `no server at ${address}, or it opens no WebSocket${detail === "" ? "" : ` (${detail})`}`;
      const error = new ConnectionFailed("unreachable", message);
      hidden.add(error);
      connection.giveUp(error);
    };
    // A close event follows, as the standard has it; but Node 20 has none where the connection was never open.
    socket.addEventListener("error", (event) => {
      if (opened) setTimeout(() => connection.closed(1006, ""), ERROR_MS);
      else unreachable(event?.message ?? "");
    });
    socket.addEventListener("close", ({ code, reason }) => {
      if (opened) connection.closed(code, reason ?? "");
      else unreachable("");
    });
  });
}

// --- servers -------------------------------------------------------------------------------------------------------

const STREAM_PATH = "/v1/stream";
const SCHEMES = { "ws:": "ws:", "wss:": "wss:", "http:": "ws:", "https:": "wss:" };

/** The WebSocket address of the server at `url`. */
function streamUrl(url) {
  if (typeof url !== "string" || url === "" || /[\s\p{C}]/u.test(url)) {
    throw new InvalidOption("url", `expected an address like wss://host:8765 without blanks, got ${brief(url)}`);
  }
  let parts;
  try {
    parts = new URL(url);
  } catch {
    throw new InvalidOption("url", `expected an address like wss://host:8765, got ${brief(url)}`);
  }
  const scheme = Object.hasOwn(SCHEMES, parts.protocol) ? SCHEMES[parts.protocol] : null;
  if (scheme === null || parts.hostname === "") {
    throw new InvalidOption("url", `expected an address like wss://host:8765, got ${brief(url)}`);
  }
  if (parts.username !== "" || parts.password !== "") {
    throw new InvalidOption("url", "has a user name or a password, which WebSockets do not send; use a token");
  }
  const path = parts.pathname.replace(/\/+$/, "");
  return `${scheme}//${parts.host}${path.endsWith(STREAM_PATH) ? path : path + STREAM_PATH}${parts.search}`;
}

function defaultUrl() {
  const { protocol, origin } = globalThis.location ?? {};
  return protocol === "http:" || protocol === "https:" ? origin : "ws://127.0.0.1:8765";
}

function now() {
  return performance.now() / 1000;
}

/** The servers of a client and in which order to ask them: what one stream finds out holds for all. */
class Servers {
  #addresses;
  #avoidedUntil = new Map();

  constructor(addresses) {
    this.#addresses = addresses;
  }

  /** Those that work first, then the others, by when they may work again. */
  inOrder() {
    const left = (address) => Math.max((this.#avoidedUntil.get(address) ?? 0) - now(), 0);
    return [...this.#addresses].sort((a, b) => left(a) - left(b));
  }

  failed(address, error) {
    let seconds = 15;
    if (error instanceof ServerFull || error instanceof ServerRestarting) seconds = error.retryAfterSeconds ?? 2;
    this.#avoidedUntil.set(address, now() + seconds);
  }

  worked(address) {
    this.#avoidedUntil.delete(address);
  }
}

/** Of the failures of several servers, the one that says what to do. */
function mostTelling(errors) {
  const rank = (error) =>
    error instanceof ServerRestarting ? 0 : error instanceof ServerFull ? 1 : error.permanent ? 3 : 2;
  return errors.reduce((best, error) => (rank(error) < rank(best) ? error : best));
}

/** Opens one stream's connections. */
class Connector {
  #options;
  #servers;
  // Until a server has accepted the stream, refused key terms are the caller's mistake and are reported.
  #accepted = false;

  constructor(options, servers) {
    this.#options = options;
    this.#servers = servers;
  }

  /** A connection to the first server that accepts the stream, as a new one. */
  connect(start) {
    return this.#connectAny(start, this.#servers.inOrder(), []);
  }

  /** A connection to the server that had the stream and may still have it; to another if it cannot be reached. */
  async reconnect(start, resumePoint, canResume) {
    const { address } = resumePoint;
    let connection;
    try {
      connection = await this.#open(address, start, resumePoint);
    } catch (error) {
      if (!(error instanceof AuricleError)) throw error;
      this.#servers.failed(address, error);
      const others = this.#servers.inOrder().filter((other) => other !== address);
      // "lost": a WebSocket was opened and then broke, so the server is there and may still have the stream.
      if (others.length === 0 || error.reason === "lost") throw error;
      return this.#connectAny(start, others, [error]);
    }
    this.#servers.worked(address);
    if (connection.ready.held === undefined || canResume(connection.ready.held)) return connection;
    // What the server lacks is no longer here, so its stream is of no use; the close frame frees its slot.
    connection.close();
    return this.#connectAny(start, [address], []);
  }

  /** A server has ended the stream; unless only its time was over, the others come first for a while. */
  ended(address, error) {
    if (!error.expired) this.#servers.failed(address, error);
  }

  async #connectAny(start, addresses, errors) {
    for (const address of addresses) {
      try {
        const connection = await this.#open(address, start, null);
        this.#servers.worked(address);
        this.#accepted = true;
        return connection;
      } catch (error) {
        if (!(error instanceof AuricleError)) throw error;
        this.#servers.failed(address, error);
        errors.push(error);
      }
    }
    throw mostTelling(errors);
  }

  /** A running stream goes on without its key terms where the next server refuses them. */
  async #open(address, start, resumePoint) {
    try {
      return await this.#explained(address, start, resumePoint);
    } catch (error) {
      const refused = error.code === "unsupported_keyterms" || error.code === "invalid_keyterms";
      if (!(this.#accepted && start.keyterms?.length > 0 && refused)) throw error;
      const { keyterms: _, ...rest } = start;
      return this.#explained(address, rest, null);
    }
  }

  /**
   * A page does not see why an upgrade was refused. So a second attempt asks for it as an event; the first does not,
   * because a load balancer tries another server only when one refuses before the upgrade.
   */
  async #explained(address, start, resumePoint) {
    const began = now();
    const { connectTimeoutMs, WebSocket } = this.#options;
    const url = withParameters(address, start);
    const protocols = [SUBPROTOCOL];
    const secret = await this.#token(address);
    if (secret !== undefined) protocols.push(`auricle.token.${secret}`);
    if (resumePoint !== null) protocols.push(`auricle.resume.${resumePoint.token}.${resumePoint.seq}`);
    const attempt = (offered) => {
      const timeoutMs = Math.max(1, connectTimeoutMs - 1000 * (now() - began));
      return openSocket({ WebSocket, url, address, protocols: offered, start, resuming: resumePoint !== null, timeoutMs });
    };
    try {
      return await attempt(protocols);
    } catch (error) {
      if (!hidden.has(error)) throw error;
      return attempt([...protocols, "auricle.refusals"]);
    }
  }

  async #token(address) {
    const { getToken } = this.#options;
    if (getToken === undefined) return this.#options.token;
    try {
      return token(await getToken(address), "getToken");
    } catch (error) {
      throw new ConnectionFailed("unreachable", `no token for ${address}: ${error?.message ?? error}`, { cause: error });
    }
  }
}

/** The address with what `start` will ask for: a busy server may have time for a long latency only, or for one model. */
function withParameters(url, start) {
  const asked = ["latency_ms", "model"].filter((name) => start[name] !== undefined && start[name] !== null);
  const query = asked.map((name) => `${name}=${encodeURIComponent(start[name])}`).join("&");
  return query === "" ? url : `${url}${url.includes("?") ? "&" : "?"}${query}`;
}

/** When to try again. Numbers only: no clock, no sleep. */
class Policy {
  constructor({ attempts, first_delay_ms, max_delay_ms, jitter, replay_seconds, wait_while_full }) {
    this.attempts = attempts ?? 10;
    this.firstDelayMs = first_delay_ms ?? 200;
    this.maxDelayMs = max_delay_ms ?? 5000;
    this.jitter = jitter ?? 0.5;
    this.replaySeconds = replay_seconds ?? 60;
    this.waitWhileFull = wait_while_full ?? false;
  }

  /** Milliseconds before an attempt, from 1 on, which `error` made necessary; `draw` is a random number from 0 to 1. */
  delayMs(attempt, error, draw) {
    // Only downwards, so that `maxDelayMs` remains the upper bound.
    const backoff = Math.min(this.maxDelayMs, this.firstDelayMs * 2 ** Math.min(attempt - 1, 64)) * (1 - this.jitter * draw);
    // RFC 9110 sets no bound; a proxy in maintenance may name an hour, for which no call can wait.
    return Math.max(backoff, 1000 * Math.min(error.retryAfterSeconds ?? 0, 60));
  }

  /** Whether the attempt is not counted, because the server only restarts; once audio is being lost, it is. */
  waits(error, outage) {
    return error instanceof ServerRestarting && this.attempts > 0 && outage < this.replaySeconds;
  }

  givesUp(attempt, error, outage) {
    if (this.waitWhileFull && error instanceof ServerFull) return false;
    return error.permanent || (attempt > this.attempts && !this.waits(error, outage));
  }
}

// --- a stream ------------------------------------------------------------------------------------------------------

/** For how long audio that was said before waits until a new connection has the stream's key terms, in milliseconds. */
const KEYTERMS_PATIENCE_MS = 500;
/** How often a socket's buffer is looked at while it is full: sockets do not say when they have room. */
const DRAIN_MS = 20;

const OPEN = Symbol("open");
const BEGIN = Symbol("begin");

export class Stream extends (globalThis.EventTarget ?? Object) {
  #options;
  #buffer;
  #window;
  #merger;
  #connector;
  #queue;
  #policy;
  #connection = null;
  #serving = false;
  #gateTimer = null;
  #drainTimer = null;
  #capacityTimer = null;
  #capacityWaiters = [];
  #inputWaiter = null;
  #wake = null;
  #resumePoint = null;
  #attempt = 0;
  #lastEventAt = 0;
  #finalizes = 0;
  #answers = new Map();
  #ended = false;
  #closed = false;
  #isOver = false;
  #failure = null;
  #finished;
  #finish;

  constructor(key, start, options, servers) {
    if (key !== OPEN) throw new TypeError("streams come from AuricleClient.stream");
    super();
    this.#options = options;
    this.#policy = options.policy;
    this.#buffer = new ReplayBuffer(start, options.policy.replaySeconds, options.packetMs / 1000);
    this.#window = new SendWindow(options.sendBufferSeconds);
    this.#merger = new EventMerger(start.turn ?? {});
    this.#connector = new Connector(options, servers);
    this.#renew();
  }

  get ready() {
    return this.#connection?.ready ?? null;
  }

  get url() {
    return this.#connection?.address ?? null;
  }

  get connected() {
    return this.#serving;
  }

  get isOpen() {
    return !this.#ended && !this.#isOver;
  }

  get encoding() {
    return this.#buffer.encoding;
  }

  get sampleRate() {
    return this.#buffer.sampleRate;
  }

  get audioSeconds() {
    return this.#buffer.audioSeconds;
  }

  get unsentSeconds() {
    const socket = this.#serving ? this.#connection.bufferedAmount / this.#buffer.bytesPerSecond : 0;
    return this.#buffer.unsentSeconds + socket;
  }

  get unsettledFrom() {
    return this.#buffer.frontSeconds;
  }

  get finished() {
    return this.#finished;
  }

  // --- for the caller ---

  async send(audio) {
    this.#checkOpen();
    const bytes = bytesOf(audio, this.encoding, this.#buffer.width);
    const piece = Math.round(LARGEST_PACKET_SECONDS * this.sampleRate) * this.#buffer.width;
    // Piece by piece: a file waits for capacity every half second, and does not lie in memory a second time.
    for (let at = 0; at < bytes.length; at += piece) {
      while (!this.#hasCapacity) await this.#capacityChange();
      // Again, because the stream may have failed during the wait, which a failure ends too.
      this.#checkOpen();
      this.#addAudio(bytes.subarray(at, at + piece));
    }
  }

  sendNow(audio) {
    this.#checkOpen();
    const bytes = bytesOf(audio, this.encoding, this.#buffer.width);
    if (!this.#hasCapacity) throw new Backpressure(this.unsentSeconds);
    this.#addAudio(bytes);
  }

  finalize(id) {
    let asked = false;
    const answer = new Promise((resolve, reject) => {
      this.#checkOpen();
      const name = id === undefined || id === null ? this.#freshId() : checks.text(id, "id");
      if (name.length < 1 || name.length > 128) throw new InvalidOption("id", "expected 1 to 128 characters");
      if (this.#buffer.unanswered.has(name)) {
        throw new ProtocolError("invalid_field", `finalize "${name}" has not been answered yet`);
      }
      this.#answers.set(name, { resolve, reject });
      this.#addMessage({ type: "finalize", id: name });
      asked = true;
    });
    return asked ? handled(answer) : answer;
  }

  async update(settings) {
    this.#checkOpen();
    const { latency_ms, language, keyterms, ...rest } = shaped(UPDATE_FIELDS, settings, "");
    if (rest.turn !== undefined) this.#merger.changeTurn(rest.turn);
    // One for each setting that can be refused: a server follows an update whole or not at all.
    for (const part of [{ latency_ms }, { language }, rest, { keyterms }]) {
      if (Object.values(part).some((value) => value !== undefined)) this.#addMessage({ type: "update", ...part });
    }
  }

  end() {
    return handled(this.#end());
  }

  async #end() {
    if (!this.#ended) {
      this.#checkOpen();
      this.#ended = true;
      this.#addMessage({ type: "end" });
    }
    const error = await this.#finished;
    if (error !== null) throw error;
  }

  close() {
    this.#ended = this.#closed = true;
    this.#connection?.close();
    this.#finishWith(null);
  }

  retry() {
    this.#wake?.();
  }

  async reopen() {
    if (this.#failure === null) {
      throw new ProtocolError("already_started", "only a stream that has failed can be reopened");
    }
    const { connection, event } = await this.#connect();
    if (this.#closed) {
      connection.close();
      throw new ProtocolError("after_end", "the stream has been closed");
    }
    this.#renew();
    this.#isOver = false;
    this.#failure = null;
    this.#attempt = 0;
    this.#emit(event);
    this.#run(connection);
  }

  breakConnection() {
    if (this.#serving) this.#connection.giveUp(new ConnectionFailed("lost", "the connection was broken on request"));
  }

  [Symbol.asyncIterator]() {
    return this.#queue.iterate();
  }

  // --- its life ---

  /** For the client: connects once. */
  async [OPEN]() {
    const { connection } = await this.#connect();
    this.#run(connection);
  }

  /** For the client: connects in the background. */
  [BEGIN]() {
    this.#window.interrupted(this.audioSeconds, now());
    this.#run(null);
  }

  #renew() {
    this.#queue = new EventQueue(() => this.#pump());
    this.#finished = new Promise((resolve) => (this.#finish = resolve));
  }

  async #run(first) {
    try {
      let connection = first ?? (await this.#connectFirst());
      while (!this.#closed) {
        const error = await this.#serve(connection);
        if (error === null) break;
        connection = await this.#reconnect(error);
      }
      this.#finishWith(null);
    } catch (error) {
      this.#finishWith(this.#closed ? null : error);
    }
  }

  #finishWith(error) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = error;
    this.#serving = false;
    this.#clearTimers();
    this.#wake?.();
    this.#inputWaiter?.();
    const unanswered = error ?? new ProtocolError("after_end", "the stream has been closed");
    for (const { reject } of this.#answers.values()) reject(unanswered);
    this.#answers.clear();
    this.#queue.close(error);
    this.#notifyCapacity();
    this.dispatchEvent(new CustomEvent("closed", { detail: { type: "closed", error } }));
    this.#finish(error);
  }

  /** Uses a connection until it ends; returns why it broke, or null when the stream is over. */
  async #serve(connection) {
    const began = (this.#lastEventAt = now());
    this.#serving = true;
    const watch = this.#watch(connection);
    let error = await new Promise((resolve) => {
      const onEvent = (event) => this.#receive(event, connection);
      connection.begin(onEvent, resolve);
      this.#pump();
    });
    clearInterval(watch);
    this.#serving = false;
    this.#clearTimers();
    if (this.#closed) return null;
    if (error === null && this.#buffer.unanswered.size > 0) {
      error = new ConnectionFailed("lost", "the server closed before it had answered every finalize");
    }
    if (error === null) for (const event of this.#merger.finish(this.audioSeconds)) this.#emit(event);
    else if (error instanceof AuricleError) this.#detach(connection, error, now() - began);
    else throw error;
    return error;
  }

  /** Gives a server up that sends nothing although it owes an answer, or takes no audio. Offline streams wait for others. */
  #watch(connection) {
    const { answerTimeoutMs } = this.#options;
    if (answerTimeoutMs === null || this.#buffer.start.offline) return undefined;
    let owedSince = null;
    // Eight looks: a silent server is noticed at most an eighth too late.
    return setInterval(() => {
      const stalled = this.#window.stalls(this.unsentSeconds, this.audioSeconds, now()) && !this.#isPaused;
      owedSince = this.#buffer.awaitsAnswer || stalled ? (owedSince ?? now()) : null;
      if (owedSince === null || 1000 * (now() - Math.max(owedSince, this.#lastEventAt)) < answerTimeoutMs) return;
      connection.giveUp(new ConnectionFailed("timeout", `no answer for ${answerTimeoutMs} ms`));
    }, answerTimeoutMs / 8);
  }

  #receive(received, connection) {
    this.#lastEventAt = now();
    if (received.type === "keyterms_in_force" || received.code === "no_room_for_keyterms") this.#openGate();
    const event = this.#merger.toStreamTime(received);
    if (event.type === "error") this.#buffer.refuse(event.code, connection.ready);
    if (event.type === "final" && event.finalizeId !== undefined) this.#buffer.answer(event.finalizeId);
    if (event.type === "final" || event.type === "settled") {
      this.#buffer.settle(event.settled);
      this.#attempt = 0;
    }
    for (const each of this.#merger.merge(event)) this.#emit(each);
    this.#pump();
  }

  #emit(event) {
    this.#queue.push(event);
    this.dispatchEvent(new CustomEvent(event.type, { detail: event }));
    if (event.type === "final" && event.finalizeId !== undefined) {
      this.#answers.get(event.finalizeId)?.resolve(event);
      this.#answers.delete(event.finalizeId);
    }
  }

  // --- between connections ---

  async #connectFirst() {
    let opened;
    try {
      opened = await this.#connect();
    } catch (error) {
      if (!(error instanceof AuricleError)) throw error;
      return this.#reconnect(error);
    }
    if (this.#closed) opened.connection.close();
    else this.#emit(opened.event);
    return opened.connection;
  }

  /** A connection for the stream, and the event that reports it. */
  async #connect() {
    const first = this.#connection === null;
    const { start } = this.#buffer;
    const connection =
      this.#resumePoint === null
        ? await this.#connector.connect(start)
        : await this.#connector.reconnect(start, this.#resumePoint, (held) => this.#buffer.canResume(held));
    this.#connection = connection;
    this.#resumePoint = null;
    const told = { audioTime: this.audioSeconds, url: connection.address };
    const { ready } = connection;
    if (ready.held !== undefined && !first && this.#buffer.canResume(ready.held)) {
      this.#buffer.resume(ready);
      connection.resumed(this.#buffer.sentRequests);
      return { connection, event: { type: "resumed", ...told, sentSeconds: this.#buffer.unsentSeconds } };
    }
    const { origin, replayed, lost } = this.#buffer.attach(ready);
    this.#merger.resume(origin);
    this.#shutGate(start, replayed);
    const event = first
      ? { type: "connected", ...told, bufferedSeconds: replayed, lostSeconds: lost }
      : { type: "replayed", ...told, replayedSeconds: replayed, lostSeconds: lost };
    return { connection, event };
  }

  /** After a broken connection its server may still have the stream; after an error that it sent it has not. */
  #detach(connection, error, lasted) {
    // A connection that lasted counts as progress; one that breaks at once does not, or the loop would never end. Nor
    // does that of a recording that began anew: the same audio may be lost again for ever.
    const anew = this.#buffer.start.offline && connection.ready.held === undefined;
    if (1000 * lasted > this.#policy.maxDelayMs && !anew) this.#attempt = 0;
    if (error instanceof ConnectionFailed) this.#resumePoint = connection.resumePoint;
    else this.#connector.ended(connection.address, error);
    this.#buffer.detach(this.#merger.speaking);
    this.#window.interrupted(this.audioSeconds, now());
  }

  async #reconnect(cause) {
    let error = cause;
    const began = now();
    for (;;) {
      const outage = now() - began;
      this.#attempt = Math.max(1, this.#attempt + (this.#policy.waits(error, outage) ? 0 : 1));
      if (this.#policy.givesUp(this.#attempt, error, outage)) throw this.#errorOfLoss(error);
      await this.#waitForInput(error);
      const delayMs = this.#policy.delayMs(this.#attempt, error, Math.random());
      this.#emit({ type: "reconnecting", audioTime: this.audioSeconds, attempt: this.#attempt, delayMs, error });
      await this.#sleep(delayMs);
      if (this.#closed) throw error;
      try {
        const { connection, event } = await this.#connect();
        if (this.#closed) {
          connection.close();
          throw error;
        }
        if (event.type === "connected") this.#attempt = 0;
        this.#emit(event);
        return connection;
      } catch (failure) {
        if (this.#closed || !(failure instanceof AuricleError)) throw failure;
        error = failure;
      }
    }
  }

  /** Of a recording it says over which of its audio servers were lost. */
  #errorOfLoss(error) {
    if (error.code !== "worker_lost" || !this.#buffer.start.offline) return error;
    const place = `after ${this.#buffer.frontSeconds.toFixed(1)} s of the recording`;
    return new StreamFailed(error.code, error.fault, `the server was lost ${this.#attempt} times ${place}`);
  }

  /** After an idle timeout: without input a new connection would idle too, and hold a slot until it times out. */
  async #waitForInput(error) {
    if (error.code !== "idle_timeout" || this.#buffer.awaitsAnswer || this.#closed) return;
    await new Promise((resolve) => (this.#inputWaiter = resolve));
    this.#inputWaiter = null;
  }

  /** Until the next attempt: `retry` ends it, and so does a network that is back. */
  async #sleep(ms) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      globalThis.addEventListener?.("online", this.#wake);
    });
    globalThis.removeEventListener?.("online", this.#wake);
    this.#wake = null;
  }

  // --- sending ---

  #addAudio(bytes) {
    this.#buffer.addAudio(bytes);
    this.#inputAdded();
  }

  #addMessage(message) {
    this.#buffer.addMessage(message);
    this.#inputAdded();
  }

  #inputAdded() {
    this.#inputWaiter?.();
    this.#pump();
  }

  /** Whether an iteration reads too slowly for more audio; what it may wait for itself is sent all the same. */
  get #isPaused() {
    return this.#queue.isFull && !this.#buffer.awaitsAnswer;
  }

  /** Hands the socket what there is to send, as far as it has room. */
  #pump() {
    if (!this.#serving || this.#gateTimer !== null || this.#isPaused) return;
    const connection = this.#connection;
    let sent = false;
    while (connection.bufferedAmount < SOCKET_BYTES) {
      const outgoing = this.#buffer.nextUnsent();
      if (outgoing === null) break;
      connection.send(outgoing);
      sent = true;
    }
    if (connection.bufferedAmount > 0) {
      this.#drainTimer ??= setTimeout(() => {
        this.#drainTimer = null;
        this.#window.sent(this.unsentSeconds);
        this.#notifyCapacity();
        this.#pump();
      }, DRAIN_MS);
    }
    if (sent) {
      this.#window.sent(this.unsentSeconds);
      this.#notifyCapacity();
    }
  }

  get #hasCapacity() {
    return this.#isOver || this.#window.allows(this.unsentSeconds, this.audioSeconds, now());
  }

  async #capacityChange() {
    // After a break audio is accepted at the speed of speech, so time alone brings capacity.
    const ms = this.#window.wait(this.audioSeconds, now());
    if (ms !== null) {
      this.#capacityTimer ??= setTimeout(() => {
        this.#capacityTimer = null;
        this.#notifyCapacity();
      }, ms);
    }
    await new Promise((resolve) => this.#capacityWaiters.push(resolve));
  }

  #notifyCapacity() {
    for (const resolve of this.#capacityWaiters.splice(0)) resolve();
  }

  /** Audio that was said before a connection waits until the stream's key terms are in force on it. */
  #shutGate(start, heldSeconds) {
    const needed = start.keyterms?.length > 0 && !start.offline && heldSeconds > 0;
    if (needed) this.#gateTimer = setTimeout(() => this.#openGate(), KEYTERMS_PATIENCE_MS);
  }

  #openGate() {
    clearTimeout(this.#gateTimer);
    this.#gateTimer = null;
    this.#pump();
  }

  #clearTimers() {
    for (const timer of [this.#gateTimer, this.#drainTimer, this.#capacityTimer]) clearTimeout(timer);
    this.#gateTimer = this.#drainTimer = this.#capacityTimer = null;
    this.#notifyCapacity(); // whoever waits looks again, and sets the timer that is right then
  }

  #freshId() {
    // The ids that a caller chooses may look the same.
    do this.#finalizes += 1;
    while (this.#buffer.unanswered.has(`f${this.#finalizes}`));
    return `f${this.#finalizes}`;
  }

  #checkOpen() {
    if (this.#failure !== null) throw this.#failure;
    if (!this.isOpen) throw new ProtocolError("after_end", "the stream has ended");
  }
}

// --- the client ------------------------------------------------------------------------------------------------------

/** Whoever does not wait for a promise hears of the stream's failure by the iteration, or by `closed`. */
function handled(promise) {
  promise.catch(() => undefined);
  return promise;
}

export class AuricleClient {
  #options;
  #servers;

  constructor(url, options = {}) {
    const urls = url === undefined || url === null ? [defaultUrl()] : typeof url === "string" ? [url] : [...url];
    if (urls.length === 0) throw new InvalidOption("url", "expected the address of at least one server");
    const given = clientOptions(options);
    const WebSocket = given.WebSocket ?? globalThis.WebSocket;
    if (WebSocket === undefined) {
      throw new InvalidOption("WebSocket", "Node has none before version 22; pass a class, that of the package ws for example");
    }
    if (given.token !== undefined && given.getToken !== undefined) {
      throw new InvalidOption("token", "given beside getToken; leave one out");
    }
    this.#options = {
      connectTimeoutMs: 10_000,
      answerTimeoutMs: 5_000,
      packetMs: 20,
      sendBufferSeconds: 2,
      ...given,
      WebSocket,
      policy: new Policy(given.reconnect ?? {}),
    };
    this.#servers = new Servers([...new Set(urls.map(streamUrl))]);
  }

  async stream(settings) {
    const stream = new Stream(OPEN, startMessage(settings), this.#options, this.#servers);
    await stream[OPEN]();
    return stream;
  }

  begin(settings) {
    const stream = new Stream(OPEN, startMessage(settings), this.#options, this.#servers);
    stream[BEGIN]();
    return stream;
  }
}

/** Checked options, under their own names. */
function clientOptions(options) {
  shaped(CLIENT_FIELDS, options, "options");
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null));
  if (options.answerTimeoutMs === null) given.answerTimeoutMs = null;
  if (given.reconnect !== undefined) given.reconnect = shaped(POLICY_FIELDS, given.reconnect, "reconnect");
  return given;
}

// --- a microphone ------------------------------------------------------------------------------------------------------

/** Frames that wait for an iteration: what is older is dropped. */
const KEPT_FRAMES_SECONDS = 10;
/** How long a browser may take to let a page hear, once it has permission. */
const RESUME_MS = 3_000;

const MICROPHONE_FIELDS = {
  deviceId: checks.text,
  sampleRate: checks.whole(8_000, 48_000),
  frameMs: checks.number(5, 1_000),
  echoCancellation: checks.boolean,
  noiseSuppression: checks.boolean,
  autoGainControl: checks.boolean,
  mediaStream: (value) => value,
  audioContext: (value) => value,
  workletUrl: checks.text,
};

const DENIED = "the browser lets this page hear no microphone; allow it beside the address of the page";
const GUESSES = {
  NotAllowedError: ["denied", DENIED],
  SecurityError: ["denied", DENIED],
  NotFoundError: ["missing", "there is no microphone; connect one"],
  OverconstrainedError: ["missing", "there is no such microphone; choose another"],
  NotReadableError: ["busy", "the microphone gives no sound; another program may hold it"],
  AbortError: ["busy", "the microphone gives no sound; another program may hold it"],
};

function microphoneError(error) {
  const [reason, message] = GUESSES[error?.name] ?? ["busy", `the microphone cannot be used: ${error?.message ?? error}`];
  return new MicrophoneError(reason, message, error);
}

function mediaDevices() {
  const devices = globalThis.navigator?.mediaDevices;
  if (devices !== undefined) return devices;
  if (globalThis.isSecureContext === false) {
    throw new MicrophoneError("insecure", "browsers let pages hear a microphone over https or from localhost only");
  }
  throw new MicrophoneError("unsupported", "there are no microphones here; a browser is needed");
}

/** An audio context in which sound is taken at `sampleRate`, or at the device's own rate where a browser cannot do that. */
async function openContext(media, sampleRate, workletUrl) {
  let failure = null;
  // Some browsers connect a microphone only to a context of its own rate; the worklet resamples then.
  for (const wish of [{ sampleRate }, {}]) {
    let context = null;
    try {
      context = new AudioContext({ latencyHint: "interactive", ...wish });
      const source = context.createMediaStreamSource(media);
      await addWorklet(context, workletUrl);
      return { context, source };
    } catch (error) {
      failure = error;
      await context?.close();
      if (error instanceof MicrophoneError) break;
    }
  }
  throw failure;
}

async function addWorklet(context, workletUrl) {
  if (workletUrl !== undefined) {
    await context.audioWorklet.addModule(workletUrl);
    return;
  }
  const blob = new Blob([`(${defineWorklet})(globalThis);`], { type: "text/javascript" });
  const url = URL.createObjectURL(blob);
  try {
    await context.audioWorklet.addModule(url);
  } catch (error) {
    const advice = "the audio worklet cannot be loaded; where a policy forbids blob: scripts, give workletUrl";
    throw new MicrophoneError("unsupported", advice, error);
  } finally {
    URL.revokeObjectURL(url);
  }
}

export class Microphone extends (globalThis.EventTarget ?? Object) {
  #media;
  #ownsMedia;
  #context;
  #ownsContext;
  #node;
  #source;
  #sampleRate;
  #frameSeconds;
  #readers = new Set();
  #active = true;

  constructor(key, parts) {
    if (key !== OPEN) throw new TypeError("open a microphone with Microphone.open");
    super();
    ({
      media: this.#media,
      ownsMedia: this.#ownsMedia,
      context: this.#context,
      ownsContext: this.#ownsContext,
      node: this.#node,
      source: this.#source,
      sampleRate: this.#sampleRate,
      frameSeconds: this.#frameSeconds,
    } = parts);
    this.muted = false;
    this.#node.port.onmessage = ({ data }) => this.#receive(data);
    const [track] = this.#media.getAudioTracks();
    track?.addEventListener("ended", () => this.#end(new MicrophoneError("missing", "the microphone has gone; connect it again")));
    // A telephone call, for example, takes the sound away from a page and gives it back.
    this.#context.addEventListener("statechange", () => {
      if (this.#active && this.#context.state !== "running") this.#context.resume().catch(() => undefined);
    });
  }

  static async open(options = {}) {
    shaped(MICROPHONE_FIELDS, options, "options");
    const { deviceId, sampleRate = 16_000, frameMs = 20, workletUrl } = options;
    const { echoCancellation = true, noiseSuppression = true, autoGainControl = true } = options;
    const ownsMedia = options.mediaStream === undefined;
    let media = options.mediaStream;
    if (ownsMedia) {
      const wishes = { echoCancellation, noiseSuppression, autoGainControl, channelCount: 1 };
      if (deviceId !== undefined) wishes.deviceId = { exact: deviceId };
      try {
        media = await mediaDevices().getUserMedia({ audio: wishes });
      } catch (error) {
        throw error instanceof MicrophoneError ? error : microphoneError(error);
      }
    }
    try {
      return await Microphone.#listen(media, ownsMedia, options.audioContext, sampleRate, frameMs, workletUrl);
    } catch (error) {
      if (ownsMedia) for (const track of media.getTracks()) track.stop();
      throw error instanceof MicrophoneError ? error : microphoneError(error);
    }
  }

  static async #listen(media, ownsMedia, given, sampleRate, frameMs, workletUrl) {
    if (globalThis.AudioWorkletNode === undefined) {
      throw new MicrophoneError("unsupported", "this browser has no audio worklets; a newer one is needed");
    }
    let opened;
    if (given === undefined) {
      opened = await openContext(media, sampleRate, workletUrl);
    } else {
      await addWorklet(given, workletUrl);
      opened = { context: given, source: given.createMediaStreamSource(media) };
    }
    const { context, source } = opened;
    const frameSamples = Math.max(1, Math.round((frameMs * sampleRate) / 1000));
    const node = new AudioWorkletNode(context, "auricle-capture", {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      processorOptions: { sampleRate, frameSamples },
    });
    source.connect(node);
    node.connect(context.destination); // browsers run what leads to the loudspeaker; it plays nothing
    const frameSeconds = frameSamples / sampleRate;
    const parts = { media, ownsMedia, context, ownsContext: given === undefined, node, source, sampleRate, frameSeconds };
    const microphone = new Microphone(OPEN, parts);
    await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, RESUME_MS))]);
    if (context.state !== "running") {
      await microphone.stop();
      throw new MicrophoneError("denied", "the browser keeps sound off until the page is used; open the microphone from a click");
    }
    return microphone;
  }

  static async devices() {
    const all = await mediaDevices().enumerateDevices();
    return all.filter(({ kind }) => kind === "audioinput").map(({ deviceId, label }) => ({ deviceId, label }));
  }

  get sampleRate() {
    return this.#sampleRate;
  }

  get label() {
    return this.#media.getAudioTracks()[0]?.label ?? "";
  }

  get active() {
    return this.#active;
  }

  pipeTo(stream) {
    if (stream.encoding !== "pcm_s16le" || stream.sampleRate !== this.#sampleRate) {
      throw new InvalidOption("stream", `expected one of pcm_s16le at ${this.#sampleRate} Hz, as the microphone has it`);
    }
    const pass = ({ detail: frame }) => {
      try {
        stream.sendNow(frame);
      } catch (error) {
        if (error instanceof Backpressure) this.#dispatch("dropped", { seconds: this.#frameSeconds });
        else this.removeEventListener("frame", pass); // it has ended or failed, and says so itself
      }
    };
    this.addEventListener("frame", pass);
  }

  async stop() {
    await this.#end(null);
  }

  [Symbol.asyncIterator]() {
    const most = Math.ceil(KEPT_FRAMES_SECONDS / this.#frameSeconds);
    const reader = { frames: [], waiting: [], most, done: !this.#active };
    this.#readers.add(reader);
    const stop = () => {
      this.#readers.delete(reader);
      reader.done = true;
      return Promise.resolve({ value: undefined, done: true });
    };
    return {
      next: () => {
        if (reader.frames.length > 0) return Promise.resolve({ value: reader.frames.shift(), done: false });
        if (reader.done) return stop();
        return new Promise((resolve) => reader.waiting.push(resolve));
      },
      return: stop,
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #receive(frame) {
    if (!this.#active) return;
    if (this.muted) frame.fill(0);
    for (const reader of this.#readers) {
      if (reader.waiting.length > 0) reader.waiting.shift()({ value: frame, done: false });
      else reader.frames.push(frame);
      if (reader.frames.length > reader.most) reader.frames.shift();
    }
    this.#dispatch("frame", frame);
  }

  async #end(error) {
    if (!this.#active) return;
    this.#active = false;
    if (this.#ownsMedia) for (const track of this.#media.getTracks()) track.stop();
    this.#source.disconnect();
    this.#node.disconnect();
    this.#node.port.postMessage("stop");
    this.#node.port.onmessage = null;
    for (const reader of this.#readers) {
      reader.done = true;
      for (const resolve of reader.waiting.splice(0)) resolve({ value: undefined, done: true });
    }
    if (this.#ownsContext) await this.#context.close();
    this.#dispatch("ended", { error });
  }

  #dispatch(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// This very file may be the worklet's module, for pages that allow no blob: scripts.
if (typeof registerProcessor === "function") defineWorklet(globalThis);
