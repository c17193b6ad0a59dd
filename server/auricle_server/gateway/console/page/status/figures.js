/** What the status view shows of a reading of `/v1/status`: the figures of each model, by the names of the plots. */

import { figure } from "./plots.js";

const MINUTE = 60;
const STATES = {
  ready: "takes streams",
  loading: "is loading",
  "no worker": "its worker is starting",
  draining: "shuts down: takes no new streams",
};

/** Names of the figures, and the fields of a model that they are read from. */
const FIELDS = {
  streams: "streams",
  capacity: "capacity",
  step: "step_p50_ms",
  step95: "step_p95_ms",
  rows: "batch_mean",
  rows95: "batch_p95",
  final: "finalize_p50_ms",
  final95: "finalize_p95_ms",
  refused: "refused",
  resumed: "resumed",
  lost: "workers_lost",
};

/**
 * The figures at the top of a model: `show` writes one from the newest values by name.
 *
 * @type {{label: string, show: (last: (name: string) => number|null) => string}[]}
 */
export const FIGURES = [
  { label: "Streams open, of capacity", show: (last) => `${figure(last("streams"))} of ${figure(last("capacity"))}` },
  { label: "Step time: half are faster", show: (last) => figure(last("step"), "ms") },
  { label: "Rows of a step, on average", show: (last) => figure(last("rows")) },
  { label: "Finalize to final: half are faster", show: (last) => figure(last("final"), "ms") },
  { label: "Refused since the start", show: (last) => figure(last("refused")) },
  { label: "Resumed since the start", show: (last) => figure(last("resumed")) },
];

const QUANTILES = (name) => [{ name, label: "half are faster" }, { name: `${name}95`, label: "95 % are faster" }];

/** The plots of a model; see `Plot`. */
export const PLOTS = [
  { title: "Streams", least: 4, lines: [{ name: "streams", label: "open" }, { name: "capacity", label: "capacity" }] },
  { title: "Time of the fullest worker", unit: "%", least: 100, lines: [{ name: "busy", label: "spent" }, { name: "load", label: "predicted" }] },
  { title: "Step time", unit: "ms", least: 10, lines: QUANTILES("step") },
  { title: "Rows of a step", least: 4, lines: [{ name: "rows", label: "average" }, { name: "rows95", label: "95 % have fewer" }] },
  { title: "Finalize to final", unit: "ms", least: 20, lines: QUANTILES("final") },
  { title: "In the last minute", least: 4, lines: [{ name: "refusedMinute", label: "refused" }, { name: "resumedMinute", label: "resumed" }] },
];

/**
 * @param {object} reading As the server sends it.
 * @returns {{name: string, state: string, values: Record<string, number|null>}[]} One for each model.
 */
export function readings(reading) {
  return reading.models.map((model) => {
    const values = Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, model[field] ?? null]));
    const share = (value) => (value === undefined || value === null ? null : 100 * value);
    return { name: model.name, state: stateOf(model), values: { ...values, load: share(model.load), busy: share(model.busy) } };
  });
}

/** Adds to a history what a reading says of a model, and how its counts have grown. */
export function keep(history, time, values) {
  history.push(time, values);
  for (const name of ["refused", "resumed"]) values[`${name}Minute`] = history.increase(name, MINUTE);
}

/** What a model does, in words. */
function stateOf(model) {
  const loading = (model.loading ?? []).map(({ what, percent }) => (percent === null ? what : `${what}, ${Math.round(percent)} %`));
  const state = STATES[model.state] ?? model.state;
  if (loading.length) return `${state}: ${loading.join("; ")}`;
  return model.state === "ready" && model.full ? "is full: refuses new streams" : state;
}
