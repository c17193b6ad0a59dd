/** The marks of a time line as a table, for those who do not see the drawing. */

import { element } from "../dom.js";
import { describeMark } from "./marks.js";

/** Rows that the table holds: of a long talk the newest. */
const MOST_ROWS = 500;

/** A table that is filled when it is opened, and goes on while it is open. */
export class EventList {
  /** @param {string} name Of the stream, "" where there is only one. */
  constructor(name) {
    const title = name ? `Events of ${name}` : "Events of the stream";
    this._body = element("tbody");
    const head = ["Time", "Event", "What happened"].map((text) => element("th", { scope: "col" }, text));
    const caption = element("caption", {}, `${title}, oldest first`);
    const table = element("table", {}, caption, element("thead", {}, element("tr", {}, ...head)), this._body);
    const frame = element("div.timeline-table", { tabindex: "0", role: "region", "aria-label": title }, table);
    this.element = element("details.timeline-list", {}, element("summary", {}, "Events as a list"), frame);
    this.element.addEventListener("toggle", () => this.show(this._marks));
    this._marks = [];
    this._shown = [];
  }

  /** @param {object[]} marks Ascending by time. */
  show(marks) {
    this._marks = marks;
    if (!this.element.open) return;
    const wanted = marks.slice(-MOST_ROWS);
    // A mark may come in before others: what follows it is written anew.
    let same = 0;
    while (same < this._shown.length && this._shown[same] === wanted[same]) same += 1;
    while (this._body.rows.length > same) this._body.deleteRow(-1);
    this._body.append(...wanted.slice(same).map(row));
    this._shown = wanted;
  }
}

function row(mark) {
  const { time, name, text } = describeMark(mark);
  return element("tr", {}, ...[time, name, text].map((each) => element("td", {}, each)));
}
