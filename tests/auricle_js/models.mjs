// Does with the inner parts of the module what each case says, and prints the results: `node models.mjs CASES.json`.

import { readFileSync } from "node:fs";

import inner from "./internals.mjs";

const doing = {
  merger({ turn, steps }) {
    const merger = new inner.EventMerger(turn);
    return steps.map(([name, value]) => {
      if (name === "change_turn") return merger.changeTurn(value) ?? null;
      if (name === "resume") return merger.resume(value) ?? null;
      if (name === "finish") return merger.finish(value);
      return [merger.merge(merger.toStreamTime(inner.decode(value))), merger.speaking];
    });
  },
  buffer({ start, replaySeconds, packetSeconds, ready, steps }) {
    const buffer = new inner.ReplayBuffer(start, replaySeconds, packetSeconds);
    const told = { ...inner.camel(ready), seq: 1 };
    const plain = (outgoing) => (outgoing instanceof Uint8Array ? [...outgoing.slice(0, 4), outgoing.length] : outgoing);
    return steps.map(([name, value]) => {
      let result = null;
      if (name === "audio") buffer.addAudio(Uint8Array.from({ length: value[1] }, (_, at) => (value[0] + at) % 251));
      else if (name === "message") buffer.addMessage(value);
      else if (name === "next") result = plain(buffer.nextUnsent());
      else if (name === "settle") buffer.settle(value);
      else if (name === "answer") buffer.answer(value);
      else if (name === "refuse") buffer.refuse(value, told);
      else if (name === "attach") result = buffer.attach(told);
      else if (name === "detach") buffer.detach(value);
      else if (name === "resume") {
        result = buffer.canResume(value);
        if (result) buffer.resume({ ...told, held: value });
      }
      const { audioSeconds, frontSeconds, unsentSeconds, awaitsAnswer, sentRequests, unanswered } = buffer;
      const seen = { audioSeconds, frontSeconds, unsentSeconds, awaitsAnswer, sentRequests, start: buffer.start };
      return { result, ...seen, unanswered: [...unanswered.keys()] };
    });
  },
  window({ seconds, steps }) {
    const window = new inner.SendWindow(seconds);
    return steps.map(([name, ...values]) => window[name](...values) ?? null);
  },
  policy({ options, steps }) {
    const policy = new inner.Policy(options);
    return steps.map(({ kind, attempt, draw, outage, retryAfter, permanent }) => {
      const error = errorOf(kind, retryAfter, permanent);
      return [policy.delayMs(attempt, error, draw), policy.waits(error, outage), policy.givesUp(attempt, error, outage)];
    });
  },
  start({ settings }) {
    try {
      return inner.startMessage(settings);
    } catch (error) {
      return { refused: error.option };
    }
  },
};

function errorOf(kind, retryAfter, permanent) {
  if (kind === "full") return new inner.ServerFull("server_full", "", retryAfter);
  if (kind === "restarting") return new inner.ServerRestarting("restarting", "", retryAfter);
  return new inner.ConnectionFailed("lost", "", { permanent });
}

const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(cases.map((each) => doing[each.kind](each.given))));
