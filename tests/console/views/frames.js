// Three live streams of one sound on a page of time lines, and the time that scripts take for each frame of the screen.

window.frameTimes = new Map();
const request = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (act) =>
  request((time) => {
    const began = performance.now();
    act(time);
    window.frameTimes.set(time, (window.frameTimes.get(time) ?? 0) + performance.now() - began);
  });

const STEP = 320; // samples: 20 ms

/** Streams the sound three times at the speed of speech, and draws it three times. Gives the scripts' time per frame. */
window.streamThree = async (sound, latencies, hoursBefore) => {
  const { AuricleClient } = await import("/console/auricle.js");
  const { Recording } = await import("/console/recording.js");
  const { Talk } = await import("/console/talk.js");
  const { TimeLine } = await import("/console/timeline/timeline.js");
  const pcm = new Int16Array(await (await fetch(sound)).arrayBuffer().then((bytes) => bytes.slice(44)));
  const client = new AuricleClient(location.origin.replace("http", "ws"));
  const recording = new Recording();
  const place = document.getElementById("timelines");
  const open = async (latencyMs) => {
    const turn = { mode: "silence", silenceMs: 500, eagerSilenceMs: 250 };
    const talk = new Talk(recording, { latencyMs, turn });
    const stream = await client.stream({ latencyMs, turn, interimWords: true, signals: true });
    const line = new TimeLine(place, talk, `${latencyMs} ms`);
    return { talk, stream, line };
  };
  const lanes = await Promise.all(latencies.map(open));
  for (const { talk } of lanes) past(talk, hoursBefore);
  if (hoursBefore) recording.append(new Int16Array(hoursBefore * 3600 * 16000), null);
  for (const { talk, stream } of lanes) talk.open(stream.ready, talk.seconds);
  const reading = lanes.map(async ({ talk, stream }) => {
    for await (const event of stream) talk.receive(event);
  });
  window.frameTimes.clear();
  const began = performance.now();
  for (let at = 0; at < pcm.length; at += STEP) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + at / 16 - performance.now())));
    const piece = pcm.subarray(at, at + STEP);
    recording.append(piece);
    for (const { stream } of lanes) stream.send(piece);
  }
  const took = performance.now() - began;
  const frames = [...window.frameTimes.values()];
  await Promise.all(lanes.map(({ stream }) => stream.end()));
  await Promise.all(reading);
  const words = lanes.map(({ talk }) => talk.segments.filter((each) => each.start >= talk.origin).map(({ text }) => text).join(" "));
  for (const { line } of lanes) line.close();
  return { frames, took, words };
};

// What a stream of some hours has left: a word every half second, a turn every ten seconds, and a signal for each chunk.
function past(talk, hours) {
  const { latencyMs } = talk.settings;
  for (let time = 0; time < hours * 3600; time += 10) {
    const words = Array.from({ length: 16 }, (_, index) => ({
      text: "word", start: time + index / 2, end: time + index / 2 + 0.4, confidence: 0.95,
    }));
    const text = words.map((word) => word.text).join(" ");
    talk.receive({ type: "speech_started", audioTime: time + 0.3, start: time });
    for (let at = time; at < time + 10; at += latencyMs / 1000) {
      talk.receive({ type: "signals", audioTime: at, turnOpen: true, silence: 0, probability: 0.1, voice: 0.9 });
    }
    talk.receive({ type: "final", audioTime: time + 9, text, start: time, end: time + 8, words, refined: false, language: "en-US" });
    talk.receive({ type: "turn_end", audioTime: time + 9, probability: 1, speechEnd: time + 8, text });
  }
}
