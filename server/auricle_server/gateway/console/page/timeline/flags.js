/** Draws the marks of a time line: a symbol and a label for each, and an upright line for those that end or change a turn. */

import { kindOf } from "./marks.js";
import { firstFrom } from "./scale.js";

const WIDEST_LABEL = 260;
const SYMBOL = 5;
const LABEL_GAP = 8;

/**
 * The labels of a line: for each mark the longest of its labels that ends before the next mark of the line, or none. At
 * the right edge a label may be cut, but then it is the shortest one.
 *
 * @param {{x: number, labels: string[]}[]} marks Ascending; the labels of each from long to short.
 * @param {(text: string) => number} measure Pixels of a text.
 * @param {number} edge Pixel of the right edge.
 * @returns {string[]}
 */
export function fitLabels(marks, measure, edge) {
  return marks.map(({ x, labels }, index) => {
    const next = (marks[index + 1]?.x ?? Infinity) - LABEL_GAP;
    const end = (label) => x + SYMBOL + 3 + measure(label);
    const fitting = labels.filter((label) => end(label) <= next);
    return fitting.find((label) => end(label) <= edge) ?? fitting.at(-1) ?? "";
  });
}

/** @param {{top: number, bottom: number}} reach Of the upright lines. */
export function paintMarks(context, theme, row, { scale, record }, reach) {
  const from = firstFrom(record.marks, scale.time(-WIDEST_LABEL));
  const shown = record.marks.slice(from, firstFrom(record.marks, scale.end)).map((mark) => {
    const kind = kindOf(mark);
    return { mark, kind, x: scale.x(mark.time), labels: [kind.long(mark), kind.short(mark)] };
  });
  context.font = theme.font(12);
  context.textBaseline = "middle";
  context.textAlign = "left";
  const measure = (text) => context.measureText(text).width;
  for (let line = 0; line < 3; line += 1) {
    const here = shown.filter(({ kind, labels }) => kind.line === line && labels[1] !== "");
    const top = row.top + line * row.line;
    const labels = fitLabels(here, measure, scale.width);
    here.forEach(({ mark, kind, x }, index) => {
      context.fillStyle = context.strokeStyle = theme[kind.color];
      if (kind.upright) paintUpright(context, x, top + row.line / 2, reach.bottom, kind.dash);
      if (mark.kind === "final") paintWay(context, scale.x(mark.end), x, top + row.line / 2);
      paintSymbol(context, mark.kind, x, top + row.line / 2);
      if (labels[index]) context.fillText(labels[index], x + SYMBOL + 3, top + row.line / 2);
    });
  }
}

function paintUpright(context, x, top, bottom, dash) {
  context.lineWidth = dash ? 1 : 1.5;
  context.setLineDash(dash ? [4, 3] : []);
  context.beginPath();
  context.moveTo(Math.round(x) + 0.5, top);
  context.lineTo(Math.round(x) + 0.5, bottom);
  context.stroke();
  context.setLineDash([]);
}

// From the end of the last word to its final.
function paintWay(context, from, until, y) {
  context.lineWidth = 1;
  context.globalAlpha = 0.4;
  context.beginPath();
  context.moveTo(from, y + 0.5);
  context.lineTo(until, y + 0.5);
  context.stroke();
  context.globalAlpha = 1;
}

function paintSymbol(context, kind, x, y) {
  const size = SYMBOL;
  context.beginPath();
  if (kind === "turn_end") {
    context.rect(x - size + 0.5, y - size, 2 * size, 2 * size);
  } else if (kind === "final") {
    context.moveTo(x, y - size);
    context.lineTo(x + size, y);
    context.lineTo(x, y + size);
    context.lineTo(x - size, y);
  } else if (kind === "turn_eager_end") {
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y);
    context.lineTo(x - size, y + size);
  } else if (kind === "turn_resumed") {
    context.moveTo(x + size, y - size);
    context.lineTo(x - size, y);
    context.lineTo(x + size, y + size);
  } else {
    context.arc(x, y, size - 1, 0, 2 * Math.PI);
  }
  context.closePath();
  context.fill();
}
