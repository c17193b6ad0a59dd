// Which words a final has corrected.

import assert from "node:assert/strict";
import test from "node:test";

import { bare, certainty, corrections, split } from "../../server/auricle_server/gateway/console/page/words.js";

const replaced = (shown, final) => corrections(split(shown), split(final)).map((piece) => piece.replaced.join(" "));

test("case and marks are no correction", () => {
  assert.deepEqual(replaced("i don't think so", "I don't think so."), ["", "", "", "", ""]);
});

test("a word in the middle is replaced", () => {
  assert.deepEqual(replaced("fly to hamster dam on", "fly to Amsterdam on Wednesday"), ["", "", "hamster dam", "", "", ""]);
});

test("words after the end of the final are replaced by nothing", () => {
  assert.deepEqual(replaced("yes it is it", "yes it is"), ["", "", "", "it"]);
});

test("words of the final alone replace nothing", () => {
  assert.deepEqual(replaced("", "all new"), ["", "", ""]);
  assert.deepEqual(replaced("I to go", "I want to go"), ["", "", "", "", ""]);
});

test("nothing in common", () => {
  assert.deepEqual(replaced("one two", "three"), ["one two", ""]);
});

test("no word is lost, whatever the two texts", () => {
  const vocabulary = ["a", "b", "c"];
  const text = (number, length) => Array.from({ length }, (_, i) => vocabulary[Math.floor(number / 3 ** i) % 3]);
  for (let number = 0; number < 3 ** 8; number += 5) {
    const shown = text(number, 4);
    const final = text(Math.floor(number / 81), 4);
    const pieces = corrections(shown, final);
    const gone = pieces.flatMap((piece) => piece.replaced);
    assert.equal(pieces.length, final.length + 1);
    assert.ok(shown.length - gone.length <= final.length);
    assert.equal(gone.length === 0, isWithin(shown, final), `${shown} in ${final}`);
  }
});

// Whether the words stand in the text in this order, with others between them.
function isWithin(words, text) {
  let found = 0;
  for (const word of text) if (word === words[found]) found++;
  return found === words.length;
}

test("words are compared in any script", () => {
  assert.equal(bare("Straße,"), "straße");
  assert.equal(bare("“Привет!”"), "привет");
  assert.equal(bare("don't"), "don't");
});

test("certainty has three steps", () => {
  assert.deepEqual([1, 0.9, 0.89, 0.6, 0.59, 0].map(certainty), ["sure", "sure", "fair", "fair", "doubtful", "doubtful"]);
});
