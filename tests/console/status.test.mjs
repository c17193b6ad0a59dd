// The event stream of a server's status, its history and its axes, without a browser.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import test from "node:test";

import { GAP, History, WINDOW } from "../../server/auricle_server/gateway/console/page/status/history.js";
import { FIGURES, PLOTS, keep, readings } from "../../server/auricle_server/gateway/console/page/status/figures.js";
import { figure, linePath, niceAxis } from "../../server/auricle_server/gateway/console/page/status/plots.js";
import { EventStreamParser, StatusSource } from "../../server/auricle_server/gateway/console/page/status/sse.js";

const STREAM = ': hello\r\nevent: status\r\ndata: {"a":1}\r\n\r\ndata: one\ndata:two\nid: 4\n\nretry: 5\n\ndata\n\nevent: lonely\n\ndata: last\r\r';
const EVENTS = [
  { type: "status", data: '{"a":1}' },
  { type: "message", data: "one\ntwo" },
  { type: "message", data: "" },
];

test("events are complete at an empty line, however lines end", () => {
  assert.deepEqual(new EventStreamParser().push(STREAM), EVENTS);
});

test("events may be cut anywhere", () => {
  for (let first = 0; first < STREAM.length; first++) {
    const parser = new EventStreamParser();
    const events = [STREAM.slice(0, first), STREAM.slice(first, first + 3), STREAM.slice(first + 3)].flatMap((part) => parser.push(part));
    assert.deepEqual(events, EVENTS, `cut at ${first}`);
    // The last line end is complete when it is clear that no line feed follows.
    assert.deepEqual(parser.push(":"), [{ type: "message", data: "last" }]);
  }
});

// A server whose answers the test gives one after another.
async function serving(t, ...answers) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.headers);
    (answers[asked.length - 1] ?? answers.at(-1))(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}/v1/status`, asked };
}

function followed(t, url, options) {
  const source = new StatusSource(url, options);
  const seen = [];
  source.addEventListener("sample", ({ detail }) => seen.push(detail));
  source.addEventListener("state", ({ detail }) => seen.push(detail.reason ? `${detail.state}: ${detail.reason}` : detail.state));
  const running = source.run();
  t.after(async () => {
    source.close();
    await running;
  });
  const until = async (holds) => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  return { source, seen, until };
}

const stream = (text, { end = false } = {}) => (response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write(text);
  if (end) response.end();
};
const refuse = (status) => (response) => response.writeHead(status).end("{}");

test("samples come as the server sends them, and again after a break", { timeout: 30_000 }, async (t) => {
  const { url } = await serving(t, stream('data: {"n":1}\n\n', { end: true }), stream('data: {"n":2}\n\n'));
  const { seen, until } = followed(t, url);
  await until(() => seen.some((each) => each.n === 2));
  assert.deepEqual(seen, ["connecting", "live", { n: 1 }, "lost: The server has closed the connection.", "connecting", "live", { n: 2 }]);
});

test("the token goes with the request, and a refusal waits for another", { timeout: 30_000 }, async (t) => {
  const { url, asked } = await serving(t, refuse(401), stream('data: {"n":1}\n\n'));
  const tokens = ["old", "new"];
  const refusals = [];
  const getToken = async (refused) => {
    refusals.push(refused);
    return tokens.shift();
  };
  const { source, seen, until } = followed(t, url, { getToken });
  await until(() => source.state === "refused");
  assert.deepEqual(seen, ["connecting", "refused: The server asks for a key."]);
  source.retry();
  await until(() => seen.some((each) => each.n === 1));
  assert.deepEqual(asked.map((headers) => headers.authorization), ["Bearer old", "Bearer new"]);
  assert.deepEqual(refusals, [false, true]);
});

test("a user who gives no key is not asked again and again", { timeout: 30_000 }, async (t) => {
  const { url, asked } = await serving(t, stream('data: {"n":1}\n\n'));
  const answers = [() => Promise.reject(new Error("closed")), async () => "key"];
  const { source, seen, until } = followed(t, url, { getToken: () => answers.shift()() });
  await until(() => source.state === "refused");
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.equal(answers.length, 1);
  source.retry();
  await until(() => seen.some((each) => each.n === 1));
  assert.equal(asked.length, 1);
});

test("without a key no token is sent", { timeout: 30_000 }, async (t) => {
  const { url, asked } = await serving(t, stream('data: {"n":1}\n\n'));
  const { seen, until } = followed(t, url);
  await until(() => seen.length === 3);
  assert.equal(asked[0].authorization, undefined);
});

test("a server that is not there, fails or talks nonsense is told in words", { timeout: 30_000 }, async (t) => {
  const nowhere = followed(t, "http://127.0.0.1:9/");
  await nowhere.until(() => nowhere.seen.length >= 2);
  assert.equal(nowhere.seen[1], "lost: The server cannot be reached.");
  const { url } = await serving(t, refuse(503), stream("data: nonsense\n\n"));
  const { seen, until } = followed(t, url);
  await until(() => seen.filter((each) => `${each}`.startsWith("lost")).length === 2);
  assert.deepEqual(
    seen.filter((each) => each.startsWith("lost")),
    ["lost: The server answers 503.", "lost: The server sends no status that this page can read."],
  );
});

test("a history keeps five minutes", () => {
  const history = new History();
  for (let second = 0; second < 1000; second++) history.push(second, { streams: second });
  assert.equal(history.samples[0].time, 999 - WINDOW - GAP);
  assert.equal(history.last("streams"), 999);
  assert.equal(history.most("streams"), 999);
  assert.equal(history.last("nothing"), null);
  assert.equal(history.most("nothing"), null);
});

test("a line is broken where nobody knows what was", () => {
  const history = new History();
  for (const [time, value] of [[0, 1], [1, 2], [20, 3], [21, null], [22, 4]]) history.push(time, { step: value });
  assert.deepEqual(history.pieces("step").map((piece) => piece.map(({ value }) => value)), [[1, 2], [3], [4]]);
  assert.deepEqual(history.pieces("nothing"), []);
});

test("a count grows by what came in the last seconds", () => {
  const history = new History();
  assert.equal(new History().samples.length, 0);
  for (const [time, value] of [[0, 5], [30, 7], [70, 9], [100, 12]]) history.push(time, { refused: value });
  assert.equal(history.increase("refused", 60), 3); // 9 at 70 s, 12 at 100 s
  assert.equal(history.increase("refused", 300), 7);
  assert.equal(history.increase("nothing", 60), null);
  history.push(101, { refused: 1 }); // the server was started anew
  assert.equal(history.increase("refused", 60), 0);
});

const MODEL = {
  name: "demo", state: "ready", streams: 3, slots: 64, capacity: 40, load: 0.25, busy: 0.2, full: false, steps_per_second: 20,
  step_p50_ms: 8.5, step_p95_ms: 12, step_p99_ms: 13, batch_mean: 2.5, batch_p95: 3, finalize_p50_ms: null,
  finalize_p95_ms: null, finalize_p99_ms: null, refused: 4, resumed: 1, workers_lost: 0, workers: [],
};

test("a reading has figures for each model", () => {
  const [found] = readings({ models: [MODEL] });
  assert.deepEqual([found.name, found.state], ["demo", "takes streams"]);
  const history = new History();
  keep(history, 0, found.values);
  keep(history, 1, readings({ models: [{ ...MODEL, refused: 6 }] })[0].values);
  assert.deepEqual(FIGURES.map(({ show }) => show((name) => history.last(name))), ["3 of 40", "8.50 ms", "2.50", "–", "6", "1"]);
  for (const { lines } of PLOTS) for (const { name } of lines) assert.ok(name in history.samples[0].values, name);
  assert.deepEqual([history.last("load"), history.last("refusedMinute"), history.last("resumedMinute")], [25, 2, 0]);
});

test("the state of a model is told in words", () => {
  const state = (fields) => readings({ models: [{ ...MODEL, ...fields }] })[0].state;
  assert.equal(state({ full: true }), "is full: refuses new streams");
  assert.equal(state({ state: "draining", full: true }), "shuts down: takes no new streams");
  assert.equal(state({ state: "loading", loading: [{ what: "downloading", percent: 41.7 }] }), "is loading: downloading, 42 %");
  assert.equal(state({ state: "loading", loading: [{ what: "reading weights", percent: null }] }), "is loading: reading weights");
  assert.equal(state({ state: "something new" }), "something new");
});

test("axes begin at 0, hold the largest value and have round steps", () => {
  for (const most of [0, 0.3, 1, 3, 4, 7, 9.99, 10, 10.1, 64, 99, 1234]) {
    const { top, ticks } = niceAxis(most, 4);
    assert.ok(top >= most && top >= 4, `${most}: up to ${top}`);
    assert.equal(ticks[0], 0);
    assert.equal(ticks.at(-1), top);
    assert.ok(ticks.length >= 3 && ticks.length <= 6, `${most}: ${ticks}`);
    assert.ok(most < 4 || top <= 2 * most, `${most}: up to ${top}`);
  }
});

test("a line goes through its points, and a single point is seen", () => {
  const pieces = [[{ time: 0, value: 1 }, { time: 1, value: 2 }], [{ time: 5, value: 3 }]];
  assert.equal(linePath(pieces, (time) => 10 * time, (value) => 100 - value), "M0.0 99.0L10.0 98.0M50.0 97.0h0.1");
  assert.equal(linePath([], Number, Number), "");
});

test("figures have as many digits as matter", () => {
  assert.deepEqual([null, 0, 3, 3.456, 34.56, 345.6].map((value) => figure(value, "ms")), ["–", "0 ms", "3 ms", "3.46 ms", "34.6 ms", "346 ms"]);
});
