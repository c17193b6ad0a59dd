// What one lane shows of its stream: the utterance that is being said, its words, and when they came. Draws nothing.

/** Index of the utterance that a second of the programme belongs to; moments after the last one belong to it. */
export function utteranceAt(utterances, seconds) {
  const index = utterances.findIndex((utterance) => seconds < utterance.until);
  return index < 0 ? utterances.length - 1 : index;
}

/** A delay as it is written: "+0.53 s". */
export function delayText(seconds) {
  return `${seconds < 0 ? "−" : "+"}${Math.abs(seconds).toFixed(2)} s`;
}

/** The words of an utterance that have been said by now, estimated by time, and those that have not. */
export function spoken(utterance, seconds) {
  const words = utterance.text.split(" ");
  const share = (seconds - utterance.begins) / (utterance.speech_end - utterance.begins);
  const count = Math.round(Math.min(1, Math.max(0, share)) * words.length);
  return [words.slice(0, count).join(" "), words.slice(count).join(" ")];
}

export class LaneState {
  /** @param {{begins: number, speech_end: number, until: number, text: string}[]} utterances */
  constructor(utterances) {
    this.utterances = utterances;
    this.begin(0);
  }

  /** The utterance that is shown. */
  get utterance() {
    return this.utterances[this.number];
  }

  /** Shows another utterance, of which nothing is known yet. */
  begin(number) {
    this.number = number;
    this.text = "";
    this.final = false;
    /** Seconds at which words came or changed. */
    this.interims = [];
    /** Seconds of the last final and of the last turn end; null without one. */
    this.finalAt = null;
    this.turnAt = null;
  }

  /** Moves on with the programme: a new utterance clears what the one before has left. Returns whether it did. */
  move(seconds) {
    const number = utteranceAt(this.utterances, seconds);
    if (number <= this.number) return false;
    this.begin(number);
    return true;
  }

  /** Takes a report of the host. */
  receive({ kind, text, at }) {
    this.move(at);
    if (kind === "turn end") {
      this.turnAt = at;
      return;
    }
    this.text = text || this.text;
    this.final = kind === "final";
    if (this.final) {
      this.finalAt = at;
    } else {
      this.interims.push(at);
      this.turnAt = null; // the speaker went on
    }
  }

  /** Seconds from the true end of speech to the final and to the turn end; null without one. */
  get delays() {
    const after = (at) => (at === null ? null : at - this.utterance.speech_end);
    return { final: after(this.finalAt), turn: after(this.turnAt) };
  }

  /** Where a second lies in the lane, 0 to 1. */
  place(seconds) {
    const { begins, until } = this.utterance;
    return Math.min(1, Math.max(0, (seconds - begins) / (until - begins)));
  }
}
