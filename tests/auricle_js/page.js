// What the tests do in a page. The names are global: the tests call them.

import { AuricleClient, Microphone } from "./auricle.js";

const KINDS = new Set(["final", "turn_end", "turn_eager_end", "turn_resumed", "speech_started"]);

/** Speaks what the microphone hears, and keeps the samples and the events. */
async function speak(url, settings, options) {
  const client = new AuricleClient(url, { reconnect: { firstDelayMs: 20, maxDelayMs: 100 } });
  const [stream, microphone] = await Promise.all([client.stream(settings), Microphone.open(options)]);
  const talk = { stream, frames: [], events: [], dropped: 0, text: "" };
  microphone.addEventListener("frame", ({ detail }) => talk.frames.push(detail));
  microphone.addEventListener("dropped", () => (talk.dropped += 1));
  microphone.pipeTo(stream);
  const reading = (async () => {
    for await (const event of stream) {
      talk.events.push(event.error === undefined ? event : { ...event, error: String(event.error) });
      talk.text += event.text ?? "";
    }
  })();
  talk.of = (type) => talk.events.filter((event) => event.type === type);
  talk.end = async () => {
    await microphone.stop();
    await stream.end();
    await reading;
    const spoken = talk.events.filter(({ type }) => KINDS.has(type)).map(({ seq: _, ...event }) => event);
    const lengths = [...new Set(talk.frames.map(({ length }) => length))];
    return { events: talk.events, spoken, lengths, dropped: talk.dropped };
  };
  window.talk = talk;
}

/** Keeps what the microphone hears for some seconds. */
async function listen(options, seconds) {
  const microphone = await Microphone.open(options);
  window.heard = [];
  for await (const frame of microphone) {
    window.heard.push(frame);
    if (window.heard.length * 0.02 >= seconds) break;
  }
  await microphone.stop();
  return { sampleRate: microphone.sampleRate };
}

const peak = (frame) => Math.max(...frame.map(Math.abs)) / 32768;

async function devices() {
  const [listed] = (await Microphone.devices()).filter(({ deviceId }) => deviceId !== "default");
  const mediaStreams = [];
  const { mediaDevices } = navigator;
  const ask = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (wishes) => {
    mediaStreams.push(await ask(wishes));
    return mediaStreams.at(-1);
  };
  const choice = listed.deviceId === "" ? {} : { deviceId: listed.deviceId };
  const microphone = await Microphone.open({
    ...choice,
    workletUrl: "/auricle.js",
    echoCancellation: false,
    noiseSuppression: false,
    autoGainControl: false,
  });
  const named = (await Microphone.devices()).find(({ deviceId }) => deviceId !== "default");
  const told = { label: microphone.label, listed: named, states: [microphone.active], ended: [], iterated: 0 };
  microphone.addEventListener("ended", ({ detail }) => told.ended.push(detail));
  const frames = [];
  for await (const frame of microphone) if (frames.push(frame) === 25) break;
  told.loud = Math.max(...frames.map(peak));
  microphone.muted = true;
  const quiet = [];
  for await (const frame of microphone) if (quiet.push(frame) === 5) break;
  told.muted = Math.max(...quiet.slice(1).map(peak));
  setTimeout(() => microphone.stop(), 300);
  for await (const _ of microphone) told.iterated += 1;
  await microphone.stop();
  told.states.push(microphone.active);
  told.tracks = mediaStreams.flatMap((media) => media.getTracks().map(({ readyState }) => readyState));
  return told;
}

/** Why something fails. */
async function failure(attempt) {
  try {
    await attempt();
  } catch (error) {
    return [error.code ?? (error.name === "MicrophoneError" ? error.reason : null), error.message];
  }
  throw new Error("it did not fail");
}

function open(url, options) {
  return new AuricleClient(url, options).stream();
}

/** Frames of samples as base64. */
function encode(frames) {
  let text = "";
  for (const frame of frames) text += String.fromCharCode(...new Uint8Array(frame.buffer));
  return btoa(text);
}

Object.assign(window, { speak, listen, devices, failure, open, encode, Microphone });
