// The map between seconds and pixels, the levels and the places of words, without a browser.

import assert from "node:assert/strict";
import test from "node:test";

import { Peaks } from "../../server/auricle_server/gateway/console/page/timeline/peaks.js";
import { TimeScale, boundaries, clock, firstFrom, ticks } from "../../server/auricle_server/gateway/console/page/timeline/scale.js";
import { WordRows, spreadWords } from "../../server/auricle_server/gateway/console/page/timeline/words.js";

// Numbers that look random and are the same in every run.
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

const near = (one, other, message) => assert.ok(Math.abs(one - other) < 1e-6, `${message ?? ""} ${one} is not ${other}`);

test("a pixel and its second name each other", () => {
  const scale = new TimeScale({ start: 3, seconds: 10, width: 500 });
  assert.equal(scale.x(3), 0);
  assert.equal(scale.x(13), 500);
  assert.equal(scale.time(250), 8);
});

test("zooming leaves the second under the pointer where it is", () => {
  const next = numbers(1);
  let scale = new TimeScale({ start: 0, seconds: 10, width: 800 });
  for (let turn = 0; turn < 200; turn++) {
    const x = next() * 800;
    const zoomed = scale.zoomed(0.5 + next() * 1.5, x);
    near(zoomed.time(x), scale.time(x));
    scale = zoomed;
  }
});

test("zooming ends at half a second and at four hours", () => {
  const scale = new TimeScale({ seconds: 10, width: 800 });
  assert.equal(scale.zoomed(1e-9, 400).seconds, TimeScale.FEWEST);
  assert.equal(scale.zoomed(1e9, 400).seconds, TimeScale.MOST);
});

test("a wider window shows more seconds of the same size", () => {
  const scale = new TimeScale({ start: 2, seconds: 10, width: 400 }).resized(800);
  assert.deepEqual([scale.start, scale.seconds, scale.pixelsPerSecond], [2, 20, 40]);
});

test("a view cannot be lost beside the audio", () => {
  const scale = new TimeScale({ start: 0, seconds: 10, width: 400 });
  assert.equal(scale.moved(500).held(30).start, 25);
  assert.equal(scale.moved(-500).held(30).start, -5);
  assert.equal(scale.moved(8).held(30).start, 8);
  assert.equal(scale.centred(3, 0.5).held(3).start, -2);
});

test("a live view begins with the first second, and then moves on", () => {
  const scale = new TimeScale({ start: 5, seconds: 10, width: 400 });
  assert.deepEqual([0, 3, 8.8, 20].map((now) => scale.following(now, 0.88).start), [0, 0, 0, 11.2]);
});

test("the axis names round seconds with room between them", () => {
  for (const seconds of [0.5, 1, 3, 10, 47, 300, 3600, 14400]) {
    const scale = new TimeScale({ start: -seconds / 3, seconds, width: 900 });
    const { step, times } = ticks(scale, 70);
    assert.ok(times.length > 1 && times.length < 14, `${seconds} s have ${times.length} names`);
    assert.ok(times.every((time) => time >= 0 && time <= scale.end));
    assert.equal(new Set(times.map((time) => clock(time, step))).size, times.length, `${seconds} s: names repeat`);
  }
});

test("seconds have the names of clocks", () => {
  assert.deepEqual(
    [[0, 1], [65, 1], [65.25, 0.05], [9.96, 0.1], [3723, 10], [59.999, 1], [59.996, 0.01]].map(([time, step]) => clock(time, step)),
    ["0:00", "1:05", "1:05.25", "0:10.0", "1:02:03", "1:00", "1:00.00"],
  );
});

test("chunk boundaries follow the settings, and only those that are seen are made", () => {
  const grids = [{ from: 0, first: 0.1, step: 0.5 }, { from: 2, first: 2.3, step: 1 }];
  assert.deepEqual(boundaries(grids, new TimeScale({ start: 0, seconds: 5, width: 500 }), 5), [0.1, 0.6, 1.1, 1.6, 2.3, 3.3, 4.3]);
  assert.equal(boundaries(grids, new TimeScale({ start: 100000, seconds: 4, width: 400 }), 5).length, 4);
  assert.deepEqual(boundaries(grids, new TimeScale({ start: 0, seconds: 500, width: 500 }), 5), []);
});

test("the first element from a second on", () => {
  const list = [1, 2, 2, 5].map((time) => ({ time }));
  assert.deepEqual([0, 1, 2, 3, 5, 6].map((time) => firstFrom(list, time)), [0, 0, 1, 3, 3, 4]);
});

test("the loudest level of any range is that of all its levels", () => {
  const next = numbers(7);
  const peaks = new Peaks(0.02);
  const levels = [];
  for (let index = 0; index < 3000; index++) {
    levels.push(next());
    peaks.push(levels.at(-1));
    if (index % 37) continue;
    const from = Math.floor(next() * levels.length);
    const until = from + 1 + Math.floor(next() * (levels.length - from));
    const most = Math.max(...levels.slice(from, until));
    assert.equal(peaks.most(from * 0.02 + 1e-9, until * 0.02 - 1e-9), most, `${from} to ${until} of ${levels.length}`);
  }
  assert.equal(peaks.most(61, 70), 0);
  assert.equal(peaks.most(-5, -1), 0);
});

test("words of a row never cover each other, and each stands at its time", () => {
  const next = numbers(3);
  const words = [];
  for (let start = 0; start < 200; start += 0.05 + next() * 0.6) words.push({ text: "w".repeat(1 + next() * 9), start, end: start + 0.2 });
  for (const pixels of [20, 60, 100, 400]) {
    const rows = new WordRows((text) => 8 * text.length, { rows: 3, gap: 6 });
    const placed = rows.place(words, pixels);
    assert.equal(placed.length, words.length);
    const edges = [-Infinity, -Infinity, -Infinity];
    for (const { word, left, width, row } of placed) {
      near(left, word.start * pixels);
      if (row < 0) continue;
      assert.ok(left >= edges[row], `${word.text} at ${word.start} covers another`);
      edges[row] = left + width;
    }
    if (pixels === 400) assert.ok(placed.every(({ row }) => row >= 0));
  }
});

test("words keep their rows when more come, and interims do not take them", () => {
  const rows = new WordRows((text) => 8 * text.length, { rows: 2, gap: 6 });
  const words = ["I", "want", "to", "fly"].map((text, index) => ({ text, start: index * 0.3, end: index * 0.3 + 0.2 }));
  const first = rows.place(words.slice(0, 2), 100).map(({ row }) => row);
  const interim = rows.placeInterim(words.slice(2)).map(({ row }) => row);
  assert.deepEqual(rows.place(words, 100).map(({ row }) => row), [...first, ...interim]);
});

test("a new talk and a new size begin anew", () => {
  const rows = new WordRows((text) => 8 * text.length, { rows: 1, gap: 0 });
  const words = [{ text: "longest", start: 0, end: 1 }, { text: "b", start: 0.1, end: 1 }];
  assert.deepEqual(rows.place(words, 100).map(({ row }) => row), [0, -1]);
  assert.deepEqual(rows.place(words, 1000).map(({ row }) => row), [0, 0]);
  assert.deepEqual(rows.place(words.slice(1), 1000).map(({ row }) => row), [0]);
});

test("a text without times is spread over its seconds", () => {
  const words = spreadWords(" I want  Amsterdam ", 2, 5);
  assert.deepEqual(words.map(({ text }) => text), ["I", "want", "Amsterdam"]);
  assert.equal(words[0].start, 2);
  near(words[2].end, 5);
  words.slice(1).forEach((word, index) => near(word.start, words[index].end));
  assert.deepEqual(spreadWords("", 2, 5), []);
});
