// What is sent of the settings.

import assert from "node:assert/strict";
import test from "node:test";

import { DEFAULTS, changed, inWords, opening, refusedBy, update } from "../../server/auricle_server/gateway/console/page/settings.js";

test("defaults send nothing", () => {
  assert.deepEqual(opening(DEFAULTS), {});
  assert.deepEqual(update(DEFAULTS, DEFAULTS), {});
});

test("only what differs is sent", () => {
  const settings = changed(DEFAULTS, { latencyMs: 560, turn: { mode: "semantic", eagerThreshold: 0.4 }, textFormat: { numbers: "smart" } });
  const sent = { latencyMs: 560, turn: { mode: "semantic", eagerThreshold: 0.4 }, textFormat: { numbers: "smart" } };
  assert.deepEqual(opening(settings), sent);
  assert.deepEqual(update(DEFAULTS, settings), sent);
  assert.deepEqual(update(settings, changed(settings, { refine: "on" })), { refine: "on" });
});

test("a turn that goes back to its defaults is sent as an empty object", () => {
  const settings = changed(DEFAULTS, { turn: { silenceMs: 900 } });
  assert.deepEqual(update(settings, changed(settings, { turn: { silenceMs: 500 } })), { turn: {} });
});

test("limits of another mode are not sent", () => {
  const settings = changed(DEFAULTS, { turn: { silenceMs: 900, mode: "semantic" } });
  assert.deepEqual(opening(settings), { turn: { mode: "semantic" } });
});

test("an early notice stays earlier than the end", () => {
  let settings = changed(DEFAULTS, { turn: { silenceMs: 1000, eagerSilenceMs: 600 } });
  for (const silenceMs of [600, 500, 200, 100, 80]) {
    settings = changed(settings, { turn: { silenceMs } });
    const { eagerSilenceMs } = settings.turn;
    assert.ok(eagerSilenceMs === null || (eagerSilenceMs >= 80 && eagerSilenceMs < silenceMs), `${eagerSilenceMs} of ${silenceMs}`);
  }
  settings = changed(DEFAULTS, { turn: { endThreshold: 0.9, eagerThreshold: 0.8 } });
  for (const endThreshold of [0.8, 0.5, 0.05, 0.01]) {
    settings = changed(settings, { turn: { endThreshold } });
    const { eagerThreshold } = settings.turn;
    assert.ok(eagerThreshold === null || (eagerThreshold > 0 && eagerThreshold < endThreshold), `${eagerThreshold} of ${endThreshold}`);
  }
});

test("the least silence is no longer than the most", () => {
  assert.equal(changed(DEFAULTS, { turn: { minSilenceMs: 2000, maxSilenceMs: 400 } }).turn.minSilenceMs, 400);
});

test("a refusal names what stays", () => {
  assert.deepEqual(refusedBy("server_full"), ["latencyMs", "refine"]);
  assert.ok(refusedBy("unsupported_language").includes("language"));
  assert.deepEqual(refusedBy("unwritable_keyterms"), []);
});

test("changes in words", () => {
  assert.equal(inWords({ latencyMs: 80, refine: "on" }), "latency 80 ms, second pass on");
  assert.equal(inWords({ turn: { mode: "semantic" } }), "turns end at 75 %");
  assert.equal(inWords({ turn: {} }), "turns end after 500 ms");
  assert.equal(inWords({ keyterms: [] }), "no key terms");
  assert.equal(inWords({ latencyMs: null, language: null }), "the server’s latency, the model’s language");
});
