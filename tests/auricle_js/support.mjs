// What the suites share.

import { readFileSync } from "node:fs";

/** What pytest has set for this suite. */
export const given = Object.fromEntries(
  ["URL", "URLS", "CLIP", "HEARD", "CONTROL", "KEY", "CASES"].map((name) => [name, JSON.parse(process.env[name] ?? "null")]),
);

/** The samples of a 16-bit WAV file. */
export function samplesOf(path) {
  const bytes = readFileSync(path);
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset + 44, bytes.byteOffset + bytes.length));
}

const KINDS = new Set(["final", "turn_end", "turn_eager_end", "turn_resumed", "speech_started"]);

/** Finals and turn events without their numbers: how many interims come between them is chance. */
export function spoken(events) {
  return events.filter(({ type }) => KINDS.has(type)).map(({ seq: _, ...event }) => event);
}

/** All events of a stream, while `speak` uses it. */
export async function eventsOf(stream, speak) {
  const speaking = speak(stream);
  speaking.catch(() => undefined); // the iteration throws the same
  const events = [];
  for await (const event of stream) events.push(event);
  await speaking;
  return events;
}

/** Sends audio in pieces of 20 ms, then the end. */
export async function say(stream, audio, piece = 320) {
  for (let at = 0; at < audio.length; at += piece) await stream.send(audio.subarray(at, at + piece));
  await stream.end();
}

export function textOf(events) {
  return events
    .filter(({ type, text }) => type === "final" && text !== "")
    .map(({ text }) => text)
    .join(" ");
}

/** Asks the tests' own controller of networks and servers for something, and waits until it is done. */
export async function control(what) {
  const answer = await fetch(`${given.CONTROL}/${what}`, { method: "POST" });
  if (!answer.ok) throw new Error(`${what}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
