// The settings of a stream: what they are unless changed, what of them is sent, and what they are called.

export const TURN_DEFAULTS = Object.freeze({
  mode: "silence",
  silenceMs: 500,
  eagerSilenceMs: null,
  endThreshold: 0.75,
  eagerThreshold: null,
  minSilenceMs: 160,
  maxSilenceMs: 2500,
  maxTurnSeconds: null,
  expect: "none",
});

export const TEXT_DEFAULTS = Object.freeze({ numbers: "words", profanityFilter: false });

/** Null: the server's choice. Every setting but `model` can be changed while the stream runs. */
export const DEFAULTS = Object.freeze({
  latencyMs: null,
  language: null,
  model: null,
  turn: TURN_DEFAULTS,
  keyterms: Object.freeze([]),
  refine: "off",
  textFormat: TEXT_DEFAULTS,
});

const OF_MODE = {
  off: ["mode", "maxTurnSeconds"],
  silence: ["mode", "silenceMs", "eagerSilenceMs", "maxTurnSeconds", "expect"],
  semantic: ["mode", "endThreshold", "eagerThreshold", "minSilenceMs", "maxSilenceMs", "maxTurnSeconds", "expect"],
};

/** The settings with some changed, and with those put right that the change made impossible. */
export function changed(settings, change) {
  const next = { ...settings, ...change };
  next.turn = possible({ ...settings.turn, ...change.turn });
  next.textFormat = { ...settings.textFormat, ...change.textFormat };
  return next;
}

// The server refuses a stream whose limits contradict each other, in whichever mode.
function possible(turn) {
  const { silenceMs, eagerSilenceMs, endThreshold, eagerThreshold } = turn;
  turn.minSilenceMs = Math.min(turn.minSilenceMs, turn.maxSilenceMs);
  if (eagerSilenceMs !== null && eagerSilenceMs >= silenceMs) {
    turn.eagerSilenceMs = silenceMs > 80 ? Math.max(80, Math.min(silenceMs - 1, 20 * Math.floor(silenceMs / 40))) : null;
  }
  if (eagerThreshold !== null && eagerThreshold >= endThreshold) {
    turn.eagerThreshold = Math.floor(50 * endThreshold) / 100 || null;
  }
  return turn;
}

/** The fields of an object that differ from the defaults, of those that are named. */
export function differing(values, defaults, names = Object.keys(defaults)) {
  return Object.fromEntries(names.filter((name) => !same(values[name], defaults[name])).map((name) => [name, values[name]]));
}

/** Of turn settings, those that matter in their mode and are not the default. */
export function turnOf(settings) {
  return differing(settings.turn, TURN_DEFAULTS, OF_MODE[settings.turn.mode]);
}

/** What opens a stream with these settings: defaults are left out, as for an older server. */
export function opening(settings) {
  const { turn, textFormat, ...rest } = differing(settings, DEFAULTS);
  const result = { ...rest };
  if (turn) result.turn = turnOf(settings);
  if (textFormat) result.textFormat = differing(textFormat, TEXT_DEFAULTS);
  return result;
}

/** What brings a running stream from some settings to others; an object without fields when nothing differs. */
export function update(from, to) {
  const names = Object.keys(DEFAULTS).filter((name) => !same(from[name], to[name]));
  const result = Object.fromEntries(names.map((name) => [name, to[name]]));
  // The server replaces these two as a whole.
  if (result.turn) result.turn = turnOf(to);
  if (result.textFormat) result.textFormat = differing(to.textFormat, TEXT_DEFAULTS);
  return result;
}

/** Which settings stayed as they were after a refusal of an update; none where all are in force. */
export function refusedBy(code) {
  if (["unsupported_latency", "unsupported_language", "unsupported_keyterms", "invalid_keyterms"].includes(code)) {
    return Object.keys(DEFAULTS);
  }
  return { server_full: ["latencyMs", "refine"], no_room_for_keyterms: ["keyterms"] }[code] ?? [];
}

/** A change in words, for the time line and for those who hear the page: "latency 560 ms, second pass on". */
export function inWords(change) {
  return Object.entries(change)
    .map(([name, value]) => WORDS[name]?.(value))
    .filter(Boolean)
    .join(", ");
}

const WORDS = {
  latencyMs: (value) => (value === null ? "the server’s latency" : `latency ${value} ms`),
  language: (value) => (value === null ? "the model’s language" : `language ${value}`),
  keyterms: (value) => (value.length === 0 ? "no key terms" : `key terms ${value.join(", ")}`),
  refine: (value) => `second pass ${value}`,
  textFormat: ({ numbers = "words" }) => `numbers as ${numbers}`,
  turn: turnInWords,
};

function turnInWords(turn) {
  const { mode, silenceMs, endThreshold } = { ...TURN_DEFAULTS, ...turn };
  if (mode === "off") return "turns off";
  return mode === "silence" ? `turns end after ${silenceMs} ms` : `turns end at ${Math.round(endThreshold * 100)} %`;
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
