// What words say about each other: which ones a final has corrected, and how sure the recogniser is of one.

const MARKS = /[^\p{L}\p{N}'’]+/gu;

/** A word without its case and marks, by which two words are compared. */
export function bare(word) {
  return word.toLowerCase().replace(MARKS, "");
}

/** The words of a text, as they are written. */
export function split(text) {
  return text.split(/\s+/).filter((word) => word !== "");
}

/**
 * How sure the recogniser is of a word, in three steps: "sure", "fair" or "doubtful".
 *
 * The probability is calibrated: of the words at 0.9, nine of ten are right.
 */
export function certainty(confidence) {
  if (confidence >= 0.9) return "sure";
  return confidence >= 0.6 ? "fair" : "doubtful";
}

/**
 * What became of the words that were shown: the words of the final in order, and before each those that it replaced.
 *
 * A change of case or of marks is no correction. Words that nobody had seen yet replace nothing.
 *
 * @param {string[]} shown The words of the last interim.
 * @param {string[]} final The words of the final.
 * @returns {{replaced: string[]}[]} As many as there are words in the final, and one more for what stood after them.
 */
export function corrections(shown, final) {
  const before = shown.map(bare);
  const after = final.map(bare);
  const common = commonLengths(before, after);
  const result = final.map(() => ({ replaced: [] }));
  result.push({ replaced: [] });
  let old = 0;
  let now = 0;
  while (old < before.length) {
    if (now < after.length && before[old] === after[now]) {
      old++;
      now++;
    } else if (now < after.length && common[old][now + 1] > common[old + 1][now]) {
      now++; // a word of the final alone
    } else {
      result[now].replaced.push(shown[old++]);
    }
  }
  return result;
}

// common[i][j]: length of the longest common subsequence of before[i:] and after[j:].
function commonLengths(before, after) {
  const common = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i][j] = before[i] === after[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  return common;
}
