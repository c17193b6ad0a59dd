// A program in TypeScript that uses the whole API: it must compile as it stands, and what is wrong must not.

import {
  AuricleClient,
  AuricleError,
  Backpressure,
  ConnectionFailed,
  InvalidOption,
  Microphone,
  MicrophoneError,
  ProtocolError,
  Refused,
  Resampler,
  ServerFull,
  ServerRestarting,
  Stream,
  StreamFailed,
  toPcm16,
  version,
  type FinalEvent,
  type StreamEvent,
  type StreamSettings,
} from "auricle-js";

const settings: StreamSettings = {
  latencyMs: 160,
  language: null,
  keyterms: ["Tamsin"],
  turn: { mode: "semantic", eagerThreshold: null, endThreshold: 0.8, expect: "digits" },
  textFormat: { numbers: "smart", replace: [{ search: "a", replacement: "b" }, { search: "c" }] },
  signals: true,
};

export async function main(urls: readonly string[]): Promise<string[]> {
  const client = new AuricleClient(urls, {
    getToken: async (url: string) => `token-of-${url.length}`,
    reconnect: { attempts: 3, waitWhileFull: true },
    answerTimeoutMs: null,
    WebSocket: globalThis.WebSocket,
  });
  const stream: Stream = await client.stream(settings);
  const later: Stream = client.begin();
  later.close();
  const said: string[] = [version];
  stream.addEventListener("final", ({ detail }) => said.push(detail.text, detail.words[0]?.text ?? "", detail.finalizeId ?? ""));
  stream.addEventListener("closed", ({ detail }) => said.push(detail.error?.message ?? ""));
  await stream.send(new Int16Array(320));
  await stream.send(new Float32Array(320));
  stream.sendNow(toPcm16(new Resampler(48_000, 16_000).process(new Float32Array(960))));
  const final: FinalEvent = await stream.finalize("id");
  said.push(final.text, String(final.confidence ?? 0), stream.ready?.model ?? "", stream.url ?? "");
  await stream.update({ refine: "auto", keyterms: [], turn: { silenceMs: 700 } });
  for await (const event of stream) said.push(...texts(event));
  const error: AuricleError | null = await stream.finished;
  if (error instanceof ServerFull || error instanceof ServerRestarting) said.push(String(error.retryAfterSeconds));
  if (error instanceof ConnectionFailed && error.reason === "lost") await stream.reopen();
  if (error instanceof Refused || error instanceof StreamFailed || error instanceof ProtocolError) said.push(error.code);
  if (error instanceof Backpressure) said.push(String(error.unsentSeconds));
  stream.breakConnection();
  stream.retry();
  return said;
}

function texts(event: StreamEvent): string[] {
  switch (event.type) {
    case "interim":
    case "final":
    case "turn_end":
    case "turn_eager_end":
      return [event.text];
    case "reconnecting":
      return [event.error.message, String(event.delayMs)];
    case "replayed":
      return [String(event.lostSeconds)];
    case "error":
      return [event.code, event.message];
    case "signals":
      return [String(event.probability ?? event.voice ?? 0)];
    default:
      return [];
  }
}

export async function microphone(stream: Stream): Promise<void> {
  try {
    const [first] = await Microphone.devices();
    const open = await Microphone.open({ deviceId: first?.deviceId ?? "", frameMs: 40, workletUrl: "/auricle.js" });
    open.addEventListener("frame", ({ detail }) => detail.length);
    open.pipeTo(stream);
    open.muted = true;
    for await (const frame of open) if (frame.length > 0) break;
    await open.stop();
  } catch (error) {
    if (error instanceof MicrophoneError && error.reason === "denied") return;
    if (error instanceof InvalidOption) throw new Error(error.option);
  }
}

// @ts-expect-error  an option that is not known
new AuricleClient("ws://h", { apiKey: "x" });
// @ts-expect-error  a setting of another type
const wrong: StreamSettings = { latencyMs: "80" };
// @ts-expect-error  a mode that is not known
const mode: StreamSettings = { turn: { mode: "vad" } };
// @ts-expect-error  streams come from a client
new Stream();
void wrong;
void mode;
