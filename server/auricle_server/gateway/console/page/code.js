// The program that makes this very stream, in four ways.

import { opening, turnOf } from "./settings.js";

/** What the programs are written in, in the order in which they are offered. */
export const LANGUAGES = Object.freeze({
  python: { title: "Python", file: "captions.py", make: python },
  pipecat: { title: "Pipecat", file: "pipeline.py", make: pipecat },
  livekit: { title: "LiveKit", file: "agent.py", make: livekit },
  javascript: { title: "JavaScript", file: "captions.js", make: javascript },
});

/**
 * @param {"python"|"pipecat"|"livekit"|"javascript"} language
 * @param {object} settings As of `settings.js`.
 * @param {string} address Of the server, `ws://host:port`.
 * @param {boolean} keys Whether the server wants a key.
 * @returns {string} A whole program; for Pipecat and LiveKit what goes into the agent.
 */
export function program(language, settings, address, keys) {
  return LANGUAGES[language].make(settings, address, keys);
}

function python(settings, address, keys) {
  const fields = opening(settings);
  const values = flat(fields).map(([name, value]) => `${name}=${literal(value)}`);
  if (fields.turn) values.push(`turn=auricle.TurnSettings(${keywords(fields.turn)})`);
  if (fields.textFormat) values.push(`text_format=auricle.TextFormat(${keywords(fields.textFormat)})`);
  return `import asyncio
import wave

import auricle  ${keys ? '# takes the key from the variable AURICLE_API_KEY' : '# pip install ./auricle'}


async def speak(stream):
    with wave.open("talk.wav") as file:  # 16 kHz, mono, 16 bit
        while pcm := file.readframes(1600):
            await stream.send(pcm)
    await stream.end()


async def main():
    start = ${call("auricle.Start", values, 4)}
    async with auricle.connect(${JSON.stringify(address)}, start=start) as stream:
        speaking = asyncio.create_task(speak(stream))
        async for event in stream:
            if isinstance(event, auricle.Final):
                print(event.text)
        await speaking


asyncio.run(main())
`;
}

function pipecat(settings, address, keys) {
  const turn = agentTurn(settings);
  const fields = opening(settings);
  const plain = [...flat(fields), ...Object.entries(turn)].map(([name, value]) => `${snake(name)}=${literal(value)}`);
  const values = [...plain, ...format(fields)];
  const lines = [`url=${JSON.stringify(address)}`];
  if (keys) lines.push('api_key=os.environ["AURICLE_API_KEY"]');
  lines.push(`turn_detection="${settings.turn.mode === "off" ? "vad" : "server"}"`);
  if (values.length > 0) lines.push(`settings=${call("AuricleSTTService.Settings", values, 4)}`);
  return `${imported(fields, keys)}from pipecat.pipeline.pipeline import Pipeline
from pipecat_auricle import AuricleSTTService

stt = ${call("AuricleSTTService", lines, 0)}
pipeline = Pipeline([transport.input(), stt, user_aggregator, llm, tts, transport.output()])
`;
}

function livekit(settings, address, keys) {
  const server = settings.turn.mode !== "off";
  const fields = opening(settings);
  const values = [...flat(fields), ...Object.entries(agentTurn(settings))];
  const lines = [
    `url=${JSON.stringify(address)}`,
    ...(keys ? ['api_key=os.environ["AURICLE_API_KEY"]'] : []),
    `turn_detection="${server ? "server" : "session"}"`,
    ...values.map(([name, value]) => `${snake(name)}=${literal(value)}`),
    ...format(fields),
  ];
  const handling = server ? '\n    turn_handling={"turn_detection": "stt", "endpointing": {"min_delay": 0.0}},' : "";
  return `${imported(fields, keys)}from livekit.agents import AgentSession
from livekit.plugins import auricle

session = AgentSession(
    stt=${call("auricle.STT", lines, 4)},${handling}
    # llm=..., tts=...
)
`;
}

function javascript(settings, address, keys) {
  const origin = address.replace(/^ws/, "http");
  const options = keys ? ", { getToken: () => fetchToken() }" : "";
  return `import { AuricleClient, Microphone } from "${origin}/console/auricle.js";
${keys ? "\n// Your own server asks POST /v1/tokens with its key, and gives the page the token.\nconst fetchToken = async () => (await fetch(\"/token\")).text();\n" : ""}
const client = new AuricleClient("${address}"${options});
const stream = await client.stream(${object(opening(settings))});
const microphone = await Microphone.open();
microphone.pipeTo(stream);
for await (const event of stream) {
  if (event.type === "final") console.log(event.text);
}
`;
}

// The format of the words is an object of the client's in both frameworks.
function format({ textFormat }) {
  return textFormat ? [`text_format=TextFormat(${keywords(textFormat)})`] : [];
}

function imported({ textFormat }, keys) {
  return `${keys ? "import os\n\n" : ""}${textFormat ? "from auricle import TextFormat\n" : ""}`;
}

// Top-level settings that are plain values.
function flat({ turn, textFormat, ...rest }) {
  return Object.entries(rest).map(([name, value]) => [snake(name), value]);
}

// Both frameworks have the turn settings beside the others, and call the mode turn_mode. Off is said by turn_detection.
function agentTurn(settings) {
  const { mode, ...rest } = turnOf(settings);
  return mode === "semantic" ? { turnMode: mode, ...rest } : rest;
}

function keywords(values) {
  return Object.entries(values)
    .map(([name, value]) => `${snake(name)}=${literal(value)}`)
    .join(", ");
}

function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A call in Python: on one line where it fits. */
function call(name, values, indent) {
  const line = `${name}(${values.join(", ")})`;
  if (indent + line.length <= 100 && !line.includes("\n")) return line;
  const pad = " ".repeat(indent);
  return `${name}(\n${values.map((value) => `${pad}    ${value.replaceAll("\n", "\n    ")},\n`).join("")}${pad})`;
}

function literal(value) {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (value === null) return "None";
  if (Array.isArray(value)) return `(${value.map(literal).join(", ")}${value.length === 1 ? "," : ""})`;
  // JSON's strings are Python's, but that Python has no pairs of surrogates: JSON.stringify leaves those letters as they are.
  return JSON.stringify(value);
}

function object(values) {
  const text = JSON.stringify(values, null, 1).replace(/"(\w+)":/g, "$1:").replace(/\s*\n\s*/g, " ");
  return text === "{}" ? "" : text;
}
