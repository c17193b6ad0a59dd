// What a bundled model cannot do, and what to run instead.

import { element } from "./dom.js";

/**
 * @param {object} demo Of `/console/config.json`: `model`, `command`, `download_bytes`, and `streams`, which the memory of
 *   the server's machine holds.
 * @returns {(Node|string)[]}
 */
export function demoHint({ model, command, download_bytes: bytes, streams }) {
  const holds = { 0: "This machine has too little memory for it.", 1: "This machine’s memory holds one stream of it." };
  return [
    element("strong", {}, `The model ${model} knows synthesised voices only.`),
    " For people’s speech, run ",
    element("code", {}, command),
    ` (downloads ${(bytes / 1e9).toFixed(1)} GB). `,
    holds[streams] ?? `This machine’s memory holds ${streams} streams of it.`,
    " How fast it would be here, ",
    element("code", {}, "auricle doctor"),
    " estimates.",
  ];
}
