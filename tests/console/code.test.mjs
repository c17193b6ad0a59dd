// The programs that make the stream on the page. That they run is tested in test_code.py.

import assert from "node:assert/strict";
import test from "node:test";

import { LANGUAGES, program } from "../../server/auricle_server/gateway/console/page/code.js";
import { DEFAULTS, changed } from "../../server/auricle_server/gateway/console/page/settings.js";

const URL = "ws://127.0.0.1:8765";

test("defaults say nothing that the reader need not know", () => {
  assert.match(program("python", DEFAULTS, URL, false), /start = auricle\.Start\(\)\n/);
  assert.match(program("pipecat", DEFAULTS, URL, false), /AuricleSTTService\(url="ws:\/\/127\.0\.0\.1:8765", turn_detection="server"\)/);
  assert.match(program("javascript", DEFAULTS, URL, false), /client\.stream\(\)/);
});

test("every setting is named in every program", () => {
  const settings = changed(DEFAULTS, { latencyMs: 560, refine: "auto", language: "en-US", keyterms: ["Brookfield"], turn: { silenceMs: 900, eagerSilenceMs: 300 } });
  for (const language of ["python", "pipecat", "livekit"]) {
    const text = program(language, settings, URL, false);
    for (const part of ["latency_ms=560", 'refine="auto"', 'language="en-US"', '("Brookfield",)', "silence_ms=900", "eager_silence_ms=300"]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
  }
  assert.match(program("javascript", settings, URL, false), /\{ latencyMs: 560, .*turn: \{ silenceMs: 900, eagerSilenceMs: 300 \}.*\}/);
});

test("turns that are off are left to the framework", () => {
  const settings = changed(DEFAULTS, { turn: { mode: "off" } });
  assert.match(program("python", settings, URL, false), /TurnSettings\(mode="off"\)/);
  assert.match(program("pipecat", settings, URL, false), /turn_detection="vad"/);
  const livekit = program("livekit", settings, URL, false);
  assert.match(livekit, /turn_detection="session"/);
  assert.doesNotMatch(livekit, /turn_handling/);
});

test("the format of the words is in every program", () => {
  const settings = changed(DEFAULTS, { textFormat: { numbers: "smart" } });
  assert.match(program("python", settings, URL, false), /text_format=auricle\.TextFormat\(numbers="smart"\)/);
  assert.match(program("javascript", settings, URL, false), /textFormat: \{ numbers: "smart" \}/);
  for (const language of ["pipecat", "livekit"]) {
    assert.match(program(language, settings, URL, false), /^from auricle import TextFormat\n[^]*text_format=TextFormat\(numbers="smart"\)/);
    assert.doesNotMatch(program(language, DEFAULTS, URL, false), /TextFormat/);
  }
});

test("a key is never in the program", () => {
  for (const language of Object.keys(LANGUAGES)) {
    assert.match(program(language, DEFAULTS, URL, true), /AURICLE_API_KEY|fetchToken/);
    assert.doesNotMatch(program(language, DEFAULTS, URL, false), /AURICLE_API_KEY|fetchToken/);
  }
});
