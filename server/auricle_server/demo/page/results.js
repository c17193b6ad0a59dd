// The figures of a performance: the tables that the terminal's demo prints.

import { make } from "./lane.js";

const seconds = (value) => (value === null ? "missing" : `${value.toFixed(2)} s`);
const rate = (value) => `${Math.round(100 * value)} %`;

function table(caption, heads, rows) {
  const made = make("table");
  made.append(make("caption", "", caption));
  const head = make("tr");
  for (const name of heads) {
    const cell = make("th", "", name);
    cell.scope = "col";
    head.append(cell);
  }
  const body = make("tbody");
  for (const row of rows) {
    const line = make("tr");
    line.append(...row.map((text) => make("td", "", text)));
    body.append(line);
  }
  const top = make("thead");
  top.append(head);
  made.append(top, body);
  return made;
}

/**
 * What is said of a performance.
 *
 * @param {object} result The event.
 * @param {object} programme The event that began the performance.
 */
export function resultElements(result, programme) {
  const names = programme.lanes.map(({ adapter, latency_ms: ms }) => [adapter, `${ms} ms`]);
  const verdict = result.problems.length
    ? result.problems.map((problem) => make("li", "problem", problem))
    : [make("li", "passed", "Every turn end came, and every word error rate is within its limit.")];
  const list = make("ul", "verdict");
  list.append(...verdict);
  if (result.late_seconds > 0.25) {
    list.append(make("li", "busy", `This machine is busy: audio was played up to ${result.late_seconds.toFixed(1)} s late.`));
  }
  const sums = result.lanes.map((lane, index) => [...names[index], rate(lane.word_error_rate), seconds(lane.final_delay), seconds(lane.turn_delay)]);
  const heads = ["Adapter", "Chunk", "Word errors", "Speech end → final", "Speech end → turn end"];
  const details = make("details");
  details.append(make("summary", "", "Each utterance"));
  programme.utterances.forEach((utterance, number) => {
    const rows = result.lanes.map((lane, index) => {
      const score = lane.utterances[number];
      return [...names[index], score.hypothesis || "no transcript", rate(score.word_error_rate), seconds(score.final_delay), seconds(score.turn_delay)];
    });
    details.append(table(`“${utterance.text}”`, ["Adapter", "Chunk", "Transcript", ...heads.slice(2)], rows));
  });
  return [make("h2", "", "Results"), list, table("All clips: word error rate and median delays", heads, sums), details];
}
