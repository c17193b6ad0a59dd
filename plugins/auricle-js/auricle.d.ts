/**
 * Client of Auricle, a server for streaming speech-to-text: one speaker's audio goes in, words and turn ends come out.
 *
 * ```js
 * import { AuricleClient, Microphone } from "./auricle.js";
 *
 * const client = new AuricleClient("wss://speech.example.com", { getToken: () => fetchToken() });
 * const stream = await client.stream({ latencyMs: 160 });
 * const microphone = await Microphone.open();
 * microphone.pipeTo(stream);
 * for await (const event of stream) {
 *   if (event.type === "final") console.log(event.text);
 * }
 * ```
 *
 * Names: a field is written in camelCase here (`audioTime`, `silenceMs`) and in snake_case on the wire (`audio_time`,
 * `silence_ms`); the `type` of an event is the same in both places (`"turn_end"`). Units: a name that ends in `Ms` is
 * milliseconds; every other time is seconds of the stream's own audio, of which 0 is the first sample given to `send`,
 * whatever happens to the connection.
 */

/** Version of this package. */
export const version: string;

// --- the client ------------------------------------------------------------------------------------------------------

/** Options of a client. */
export interface ClientOptions {
  /**
   * Short-lived token (`POST /v1/tokens`) or, outside of browsers, a key. Do not put keys into pages. It is sent as the
   * subprotocol `auricle.token.TOKEN`, because browsers set no headers on a WebSocket.
   */
  token?: string;
  /**
   * Called before each attempt to connect, for a token that is still valid then; instead of `token`. What it throws, or
   * rejects with, fails that attempt as "unreachable", and the stream tries again.
   *
   * @param url Address of the server that is about to be asked.
   */
  getToken?: (url: string) => string | Promise<string>;
  /** When to try again after a connection breaks, and how much audio to keep for that. */
  reconnect?: ReconnectPolicy;
  /** Milliseconds for one attempt, from the first packet to `ready`. 10000 unless given. */
  connectTimeoutMs?: number;
  /**
   * Milliseconds without any event after which a server that owes the answer to a finalize, or takes no audio, is
   * treated as if the connection had broken. 5000 unless given; null waits without limit, and so do offline streams.
   */
  answerTimeoutMs?: number | null;
  /**
   * Shortest audio message in milliseconds while the server's chunks are not known. 20 unless given. Otherwise audio is
   * sent at the points at which the server can use it, see `Ready.chunks`.
   */
  packetMs?: number;
  /** Seconds of audio that may wait to be sent before `send` waits and `sendNow` throws `Backpressure`. 2 unless given. */
  sendBufferSeconds?: number;
  /** A class like the browsers' `WebSocket`. The global one unless given; Node before 22 has none. */
  WebSocket?: WebSocketClass;
}

/** Capped exponential backoff with jitter. */
export interface ReconnectPolicy {
  /**
   * Attempts in a row without progress before a stream gives up; 0 never reconnects. 10 unless given. Progress is a
   * final, or a connection that lasted longer than `maxDelayMs`; for a recording (`offline`) that begins anew, a final
   * only. Attempts on a server that restarts are not counted for the first `replaySeconds` of an outage.
   */
  attempts?: number;
  /** Milliseconds before the first attempt. 200 unless given. */
  firstDelayMs?: number;
  /** Upper bound of the delay in milliseconds. 5000 unless given. */
  maxDelayMs?: number;
  /** Share of the delay that is random, 0 to 1. 0.5 unless given. */
  jitter?: number;
  /** Seconds of audio kept for a replay. When an outage or a segment is longer, the oldest is dropped. 60 unless given. */
  replaySeconds?: number;
  /** Whether attempts on a full server are not limited by `attempts`: it works, and has no slot. false unless given. */
  waitWhileFull?: boolean;
}

/** What the client uses of a `WebSocket` class. */
export type WebSocketClass = new (url: string, protocols?: string[]) => WebSocketLike;

/** What the client uses of a `WebSocket`. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly readyState: number;
  send(data: any): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: any, listener: (event: any) => void): void;
}

/**
 * Opens streams.
 *
 * With several servers, a stream goes to the first that accepts it, and to another when that one fails; audio without a
 * final is sent again there. For a while, a server that was full or failed is asked only after the others.
 */
export class AuricleClient {
  /**
   * @param url `wss://host:port` (or ws, https, http); the path `/v1/stream` is added when it is missing. Or several, in
   *   the order of preference. In a page, the page's own server unless given; elsewhere `ws://127.0.0.1:8765`.
   * @throws {InvalidOption} A url has another form, or an option is unknown or has a value that cannot be used.
   */
  constructor(url?: string | readonly string[] | null, options?: ClientOptions);

  /**
   * A new stream, once a server has answered `ready`. Each server is asked once; the caller decides whether to try again.
   *
   * @throws {InvalidOption} A setting is unknown or has a value that cannot be used.
   * @throws {AuricleError} No server can be reached, or none accepts the stream; `ServerFull` if at least one is only full.
   */
  stream(settings?: StreamSettings): Promise<Stream>;

  /**
   * A new stream, without waiting for a server: it connects in the background, by the policy of reconnections. Audio and
   * messages given to it before that are kept and sent once it is connected; of audio the last `replaySeconds`. Events
   * report the attempts: `reconnecting` after each that failed, `connected` after the first that succeeded.
   *
   * @throws {InvalidOption} A setting is unknown or has a value that cannot be used.
   */
  begin(settings?: StreamSettings): Stream;
}

// --- settings --------------------------------------------------------------------------------------------------------

/** How the server decides that a turn has ended. Thresholds are probabilities from 0 to 1. */
export interface TurnSettings {
  /**
   * `"silence"` (the default) ends a turn after `silenceMs` without a word, `"semantic"` when its end has a probability
   * of `endThreshold`; `"off"` leaves the decision to the caller, who sends `finalize`.
   */
  mode?: "off" | "silence" | "semantic";
  /** Silence mode: milliseconds without a word that end a turn, 80 to 10000. 500 unless given. */
  silenceMs?: number;
  /** Silence mode: milliseconds, 80 up to less than `silenceMs`, after which `turn_eager_end` is sent. null for never. */
  eagerSilenceMs?: number | null;
  /** Semantic mode: probability at which a turn ends; more than 0, at most 1. 0.75 unless given. */
  endThreshold?: number;
  /** Semantic mode: lower probability at which `turn_eager_end` is sent. null for never. */
  eagerThreshold?: number | null;
  /** Semantic mode: no turn ends, not even eagerly, with less silence than this. 80 to 10000. 160 unless given. */
  minSilenceMs?: number;
  /** Semantic mode: every turn ends after this much silence. 80 to 10000. 2500 unless given. */
  maxSilenceMs?: number;
  /** Speech that goes on for longer is cut at a pause between two words. Seconds, 1 to 3600; null for never. */
  maxTurnSeconds?: number | null;
  /** `"digits"` or `"letters"` for a turn in which somebody dictates a number or a spelling. `"none"` unless given. */
  expect?: "none" | "digits" | "letters";
  /** Whether the server also analyses the sound in the modes `off` and `silence`, to send `no_words`. */
  noWords?: boolean;
}

/** How the words are written. */
export interface TextFormat {
  /** As said (`"words"`, the default), in digits (`"numerals"`), or money, dates and telephone numbers as well (`"smart"`). */
  numbers?: "words" | "numerals" | "smart";
  /** Whether profane words get asterisks after their first letter. */
  profanityFilter?: boolean;
  /** At most 200 phrases that are written otherwise: whole words, whatever their case. Empty replacements remove them. */
  replace?: readonly { search: string; replacement?: string }[];
}

/** What `Stream.update` can change. A field that is absent, undefined or null stays as it is. */
export interface UpdateSettings {
  /** Chunk latency in milliseconds, one of `Ready.latenciesMs`. */
  latencyMs?: number | null;
  /** BCP-47 code in any usual form, or `"auto"`, for the audio that follows. */
  language?: string | null;
  /** Replaces the former turn detection as a whole: fields that it leaves out take their defaults. */
  turn?: TurnSettings | null;
  /** Phrases to favour; replaces the former list. An empty list removes them. */
  keyterms?: readonly string[] | null;
  /** Second pass: `"on"` decodes every final a second time, `"auto"` does so while the server has time to spare. */
  refine?: "off" | "on" | "auto" | null;
  /** Replaces the former format as a whole. */
  textFormat?: TextFormat | null;
}

/** What a stream is opened with. A field that is absent, undefined or null takes the server's default. */
export interface StreamSettings extends UpdateSettings {
  /** Of the audio given to `send`; `"pcm_s16le"` unless given. G.711 has 8 bits a sample. */
  encoding?: "pcm_s16le" | "mulaw" | "alaw";
  /** Samples per second of that audio, 8000 to 48000. 16000 unless given; the server resamples other rates. */
  sampleRate?: number;
  /** Whether finals carry words with times and confidence. true unless given. */
  words?: boolean;
  /** Whether interims carry them, too. false unless given. */
  interimWords?: boolean;
  /** Name of the model, of a server with several; without it the server's default. */
  model?: string | null;
  /** For recordings: may be sent as fast as the server reads, with the model's largest latency; without `latencyMs`. */
  offline?: boolean;
  /** Whether the server sends `signals` after each chunk, for a page that draws them. false unless given. */
  signals?: boolean;
}

// --- a stream --------------------------------------------------------------------------------------------------------

/** Mono audio: samples as 16-bit integers or as floats from -1 to 1, or bytes in the stream's encoding. */
export type Audio = Int16Array | Float32Array | Uint8Array | ArrayBuffer;

/**
 * One speaker's stream, which outlives its connections.
 *
 * Its events come twice: iterate over it (`for await (const event of stream)`), or listen
 * (`stream.addEventListener("final", ({ detail }) => ...)`). The iteration ends after the last event, and throws the
 * error of a stream that has failed. Events are kept for an iteration that begins later: the newest 1024 of them, apart
 * from interims that a newer one replaces. While an iteration leaves 1024 events unread, no audio is sent.
 */
export class Stream extends EventTarget implements AsyncIterable<StreamEvent> {
  private constructor();

  /** What the server offers and what is in force; after a reconnection, its answer on the new connection. null before the first. */
  readonly ready: Ready | null;
  /** Address of the server in use, or used last. null before the first connection. */
  readonly url: string | null;
  /** Of the audio that `send` takes, as the stream was opened. */
  readonly encoding: "pcm_s16le" | "mulaw" | "alaw";
  /** Samples per second of that audio. */
  readonly sampleRate: number;
  /** Whether there is a connection now. */
  readonly connected: boolean;
  /** Whether it takes more audio: it has neither ended nor failed. It may be reconnecting. */
  readonly isOpen: boolean;
  /** Seconds of audio given to `send` so far: the stream's clock. */
  readonly audioSeconds: number;
  /** Seconds of audio that wait to be sent: at the client, and in the socket's buffer. */
  readonly unsentSeconds: number;
  /** Seconds up to which all audio has its final, or needs none, or is no longer kept. */
  readonly unsettledFrom: number;
  /** Kept once the stream is over, and never broken: with the error that ended it, or with null. */
  readonly finished: Promise<AuricleError | null>;

  /**
   * Sends audio, in pieces of any length. Resolves at once, or when a slow connection has taken enough of it; while the
   * stream reconnects, audio is accepted at the speed of speech.
   *
   * @throws {InvalidOption} The audio has another type, or is no whole number of samples.
   * @throws {ProtocolError} The stream has ended.
   * @throws {AuricleError} The stream has failed.
   */
  send(audio: Audio): Promise<void>;

  /**
   * As `send`, but never waits: for live speech, which cannot be held back.
   *
   * @throws {Backpressure} `sendBufferSeconds` of audio wait already. That of this call was not accepted.
   */
  sendNow(audio: Audio): void;

  /**
   * Asks for a final of all audio so far, without waiting for silence. Exactly one final answers it, even after a
   * reconnection; its text is empty when nothing was said.
   *
   * @param id Comes back as `finalizeId`, 1 to 128 characters; one is made up unless given.
   * @returns The final that answers. It is also among the events.
   * @throws {InvalidOption} The id is too long.
   * @throws {ProtocolError} The id still waits for its answer, or the stream has ended.
   * @throws {AuricleError} The stream has failed, also while the answer was awaited.
   */
  finalize(id?: string): Promise<FinalEvent>;

  /**
   * Changes settings from the next chunk of audio on. A server that refuses a setting sends an `error` event, keeps that
   * setting as it was and changes the others.
   *
   * @throws {InvalidOption} A setting is unknown or has a value that cannot be used.
   * @throws {ProtocolError} The stream has ended.
   * @throws {AuricleError} The stream has failed.
   */
  update(settings: UpdateSettings): Promise<void>;

  /**
   * Says that no more audio follows. A second call does nothing.
   *
   * @returns Resolves when the last event has come.
   * @throws {AuricleError} The stream has failed, also while the last events were awaited.
   */
  end(): Promise<void>;

  /** Drops the stream at once, without its outstanding events. `end` finishes it normally. */
  close(): void;

  /** Tries to connect at once, where the stream waits for its next attempt. */
  retry(): void;

  /**
   * Continues a stream that has failed; iterate anew for its events. Audio without a final is sent again.
   *
   * @throws {ProtocolError} The stream has not failed.
   * @throws {AuricleError} No server accepts it; the caller may try again.
   */
  reopen(): Promise<void>;

  /** Breaks the connection as a network would, to show or to test what follows: the stream reconnects and resumes. */
  breakConnection(): void;

  [Symbol.asyncIterator](): AsyncIterableIterator<StreamEvent>;

  addEventListener<K extends keyof StreamEventMap>(
    type: K,
    listener: ((event: CustomEvent<StreamEventMap[K]>) => void) | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** Events by type. `closed` comes last and only to listeners. */
export interface StreamEventMap {
  speech_started: SpeechStartedEvent;
  interim: InterimEvent;
  final: FinalEvent;
  no_words: NoWordsEvent;
  signals: SignalsEvent;
  turn_eager_end: TurnEagerEndEvent;
  turn_resumed: TurnResumedEvent;
  turn_end: TurnEndEvent;
  keyterms_in_force: KeytermsInForceEvent;
  error: ErrorEvent;
  connected: ConnectedEvent;
  reconnecting: ReconnectingEvent;
  resumed: ResumedEvent;
  replayed: ReplayedEvent;
  closed: ClosedEvent;
}

/** What an iteration yields. */
export type StreamEvent = ServerEvent | ConnectionEvent;

/** What the server says. */
export type ServerEvent =
  | SpeechStartedEvent
  | InterimEvent
  | FinalEvent
  | NoWordsEvent
  | SignalsEvent
  | TurnEagerEndEvent
  | TurnResumedEvent
  | TurnEndEvent
  | KeytermsInForceEvent
  | ErrorEvent;

/** What becomes of the connection. */
export type ConnectionEvent = ConnectedEvent | ReconnectingEvent | ResumedEvent | ReplayedEvent;

interface EventBase {
  /** Number of the event in its stream, from 1. Not of events about the connection. */
  readonly seq: number;
  /** Position in the audio, in seconds, on which the event was decided. */
  readonly audioTime: number;
}

/** One word. */
export interface Word {
  /** With its case and the punctuation that follows it. */
  readonly text: string;
  /** Seconds. */
  readonly start: number;
  /** Seconds. */
  readonly end: number;
  /** Probability that the word is right, 0 to 1. */
  readonly confidence: number;
}

/** The first word of a turn was recognised. */
export interface SpeechStartedEvent extends EventBase {
  readonly type: "speech_started";
  /** Position of the first word, in seconds. */
  readonly start: number;
}

/** Text so far of the segment that is open. */
export interface InterimEvent extends EventBase {
  readonly type: "interim";
  readonly text: string;
  /** Start of the first word, in seconds. */
  readonly start: number;
  /** End of the last word, in seconds. */
  readonly end: number;
  /** Language of the last word; `"auto"` until the model has named one. */
  readonly language: string;
  /** The words so far, of which the last may still grow; only with `interimWords`. */
  readonly words?: readonly Word[];
}

/** The text of a segment, which does not change later. */
export interface FinalEvent extends EventBase {
  readonly type: "final";
  /** Empty when nothing was said, which happens only in answers to `finalize`. */
  readonly text: string;
  /** Start of the first word, in seconds. */
  readonly start: number;
  /** End of the last word, in seconds. */
  readonly end: number;
  readonly language: string;
  /** Empty when `words` is false. */
  readonly words: readonly Word[];
  /** Id of the finalize that this final answers; absent when the server ended the segment by itself. */
  readonly finalizeId?: string;
  /** Seconds; no later event depends on audio before this. */
  readonly settled: number;
  /** Whether this is the text of the second pass. */
  readonly refined: boolean;
  /** Expected share of the words that are right, 0 to 1; absent when the text is empty. */
  readonly confidence?: number;
  /** Where each language begins, when it changes within the segment. */
  readonly languages?: readonly { readonly language: string; readonly start: number }[];
  /** Probability that the text is no more than "mm-hm" or "okay", 0 to 1. */
  readonly backchannel?: number;
  /** With `turn.expect`: the characters that the segment dictates. */
  readonly collected?: string;
}

/** A voice was heard, it is over, and the decoder has no word for it. */
export interface NoWordsEvent extends EventBase {
  readonly type: "no_words";
  /** Seconds. */
  readonly start: number;
  /** Seconds. */
  readonly end: number;
}

/** What the server knew of the turn after a chunk of audio; only with the setting `signals`. */
export interface SignalsEvent extends EventBase {
  readonly type: "signals";
  /** Whether a turn has started and not ended; in mode `off`, a segment. */
  readonly turnOpen: boolean;
  /** Seconds of silence as turn detection counts them. Absent before the first word. */
  readonly silence?: number;
  /** Probability that the turn has ended that is open, or ends with this chunk, 0 to 1. Absent without such a turn. */
  readonly probability?: number;
  /** Probability that somebody speaks at `audioTime`, 0 to 1. Absent without the signal `voice`. */
  readonly voice?: number;
  /** Newest score of how complete the turn sounds, 0 to 1. Absent without one. */
  readonly complete?: number;
}

interface TurnText extends EventBase {
  /** Probability that the turn has ended, 0 to 1. */
  readonly probability: number;
  /** End of speech, in seconds. */
  readonly speechEnd: number;
  /** Transcript of the whole turn. */
  readonly text: string;
  /** As in `FinalEvent`, of this text. */
  readonly backchannel?: number;
  /** As in `FinalEvent`, of this text. */
  readonly collected?: string;
}

/** The turn has probably ended; `turn_resumed` or `turn_end` follows. */
export interface TurnEagerEndEvent extends TurnText {
  readonly type: "turn_eager_end";
}

/** The last `turn_eager_end` is withdrawn. */
export interface TurnResumedEvent extends EventBase {
  readonly type: "turn_resumed";
  /** Probability that the turn has ended nevertheless, 0 to 1. */
  readonly probability: number;
}

/** The turn has ended. All its finals came before. */
export interface TurnEndEvent extends TurnText {
  readonly type: "turn_end";
}

/** Key terms that the stream has asked for are in force from the next chunk of audio on. */
export interface KeytermsInForceEvent extends EventBase {
  readonly type: "keyterms_in_force";
  /** Phrases of the list. */
  readonly count: number;
}

/** The server could not follow an update, or has something to say about a setting; the stream continues. */
export interface ErrorEvent extends EventBase {
  readonly type: "error";
  /** One of the codes of docs/protocol.md. */
  readonly code: string;
  readonly fault: "client" | "server";
  readonly fatal: false;
  /** A sentence for people. */
  readonly message: string;
}

/** The first connection of a stream that began without one, see `AuricleClient.begin`. */
export interface ConnectedEvent {
  readonly type: "connected";
  readonly audioTime: number;
  readonly url: string;
  /** Seconds of audio given to the stream before, which the server receives now. */
  readonly bufferedSeconds: number;
  /** Seconds of audio from before that were no longer held; their words are lost. */
  readonly lostSeconds: number;
}

/** There is no connection, or it broke; another attempt follows. Audio may be sent all the same. */
export interface ReconnectingEvent {
  readonly type: "reconnecting";
  /** Seconds of audio given to `send` at that moment. */
  readonly audioTime: number;
  /** Number of the attempt to come, from 1. */
  readonly attempt: number;
  /** Milliseconds until then. */
  readonly delayMs: number;
  /** Why the last connection, or the last attempt, failed. */
  readonly error: AuricleError;
}

/** The stream has a connection again: the same server continues it exactly where it was. Nothing is lost. */
export interface ResumedEvent {
  readonly type: "resumed";
  readonly audioTime: number;
  readonly url: string;
  /** Seconds of audio that the server had not received, and receives now. */
  readonly sentSeconds: number;
}

/** The stream has a connection again: as a new stream, to which the audio since the last final is sent again. */
export interface ReplayedEvent {
  readonly type: "replayed";
  readonly audioTime: number;
  readonly url: string;
  /** Seconds of audio that are sent, again or for the first time. */
  readonly replayedSeconds: number;
  /** Seconds of audio that no final covers and that were no longer held; their words are lost. Normally 0. */
  readonly lostSeconds: number;
}

/** The stream is over. */
export interface ClosedEvent {
  readonly type: "closed";
  /** What ended it; null after `end` and `close`. */
  readonly error: AuricleError | null;
}

/** The server's answer to the opening of a stream. */
export interface Ready {
  /** Name of the stream in the server's log. */
  readonly session: string;
  readonly model: string;
  /** Chunk latencies that the model offers, ascending. */
  readonly latenciesMs: readonly number[];
  /** Language codes that the model offers, with `"auto"` where it can detect the language. */
  readonly languages: readonly string[];
  /** In force. */
  readonly latencyMs: number;
  /** In force, one of `languages`. */
  readonly language: string;
  readonly limits: Limits;
  /** The server takes a step at `first` seconds of audio and every `step` seconds from there. Absent when unknown. */
  readonly chunks?: { readonly first: number; readonly step: number };
  /** What semantic turn detection uses: `"words"`, `"punctuation"`, and where installed `"voice"` and `"prosody"`. */
  readonly turnSignals: readonly string[];
}

/** Limits of one stream. */
export interface Limits {
  /** Largest WebSocket message. */
  readonly messageBytes: number;
  /** Unprocessed audio, in seconds, after which the server stops reading. */
  readonly bufferedSeconds: number;
  /** Longest audio of one stream, in seconds. */
  readonly streamSeconds: number;
  /** Longest time without audio, in seconds. */
  readonly idleSeconds: number;
  /** Most key terms at once; 0 where the server takes none. */
  readonly keyterms: number;
  /** Longest key term. */
  readonly keytermCharacters: number;
}

// --- errors ----------------------------------------------------------------------------------------------------------

/** Base of the errors of a stream. */
export class AuricleError extends Error {
  /** Whether another attempt is pointless. A stream reconnects by itself after errors that are not permanent. */
  readonly permanent: boolean;
}

/** There is no connection. */
export class ConnectionFailed extends AuricleError {
  /** No server at the address, or none that speaks; no answer in time; or an open connection broke. */
  readonly reason: "unreachable" | "timeout" | "lost";
}

/** The server rejects this client. Permanent. */
export class Refused extends AuricleError {
  /** `"unauthorized"`: the token is missing, wrong or expired; `"origin_not_allowed"`: this page may not use the server. */
  readonly code: string;
}

/** Every slot is taken, the server has no time for the stream's latency, or the key has as many streams as it may. */
export class ServerFull extends AuricleError {
  readonly code: string;
  /** Seconds after which the server suggests another attempt; null when it suggests none. */
  readonly retryAfterSeconds: number | null;
}

/** The server answers and serves no stream now: it starts, its worker restarts, or it shuts down. */
export class ServerRestarting extends AuricleError {
  /** `"restarting"` or `"shutting_down"`. */
  readonly code: string;
  /** As in `ServerFull`. */
  readonly retryAfterSeconds: number | null;
}

/** The network or the server takes audio more slowly than it is given. The stream goes on, without that audio. */
export class Backpressure extends AuricleError {
  /** Seconds of audio that wait. */
  readonly unsentSeconds: number;
}

/** The caller or the server broke the protocol. Permanent. */
export class ProtocolError extends AuricleError {
  /** One of the codes of docs/protocol.md. */
  readonly code: string;
}

/** The server ended the stream with an error. Permanent when it is the client's fault and not `expired`. */
export class StreamFailed extends AuricleError {
  readonly code: string;
  readonly fault: "client" | "server";
  /** Whether only the time of the stream was over: no audio for long, or the longest stream was reached. */
  readonly expired: boolean;
}

/** There is no sound from a microphone. */
export class MicrophoneError extends AuricleError {
  /**
   * The user or a policy forbids it (`"denied"`); there is no such device (`"missing"`); another program holds it, or it
   * failed (`"busy"`); the page came over plain HTTP (`"insecure"`); the browser lacks what is needed (`"unsupported"`).
   */
  readonly reason: "denied" | "missing" | "busy" | "insecure" | "unsupported";
}

/** An option, a setting or an argument cannot be used. */
export class InvalidOption extends TypeError {
  /** Its name, `"turn.silenceMs"` for example. */
  readonly option: string;
}

// --- a microphone ----------------------------------------------------------------------------------------------------

/** Options of a microphone. */
export interface MicrophoneOptions {
  /** One of `Microphone.devices()`; the browser's choice unless given. */
  deviceId?: string;
  /** Samples per second that come out, 8000 to 48000. 16000 unless given. */
  sampleRate?: number;
  /** Length of a frame in milliseconds, 5 to 1000. 20 unless given. */
  frameMs?: number;
  /** Of the browser; true unless given. */
  echoCancellation?: boolean;
  /** Of the browser; true unless given. */
  noiseSuppression?: boolean;
  /** Of the browser; true unless given. */
  autoGainControl?: boolean;
  /** Sound to use in place of a microphone, another participant's for example. Its tracks are not stopped. */
  mediaStream?: MediaStream;
  /** A context to use, of any rate; it is not closed. */
  audioContext?: AudioContext;
  /**
   * Address of this very file, for pages whose content security policy allows no `blob:` scripts: the audio worklet is
   * then loaded from there, and not from a Blob.
   */
  workletUrl?: string;
}

/** A microphone as frames of 16-bit samples, mono. Iterate over it, listen to `frame`, or connect it with `pipeTo`. */
export class Microphone extends EventTarget implements AsyncIterable<Int16Array> {
  private constructor();

  /**
   * Asks for permission and begins to listen. Call it from a click: browsers keep sound off until the page is used.
   *
   * @throws {MicrophoneError} There is no sound, and why.
   * @throws {InvalidOption} An option is unknown or has a value that cannot be used.
   */
  static open(options?: MicrophoneOptions): Promise<Microphone>;

  /**
   * The microphones. Their labels are empty until the page has had permission once.
   *
   * @throws {MicrophoneError} The browser has none, or the page came over plain HTTP.
   */
  static devices(): Promise<{ deviceId: string; label: string }[]>;

  /** Samples per second of the frames. */
  readonly sampleRate: number;
  /** Name of the device. */
  readonly label: string;
  /** Whether it listens. */
  readonly active: boolean;
  /** While true, frames are silence: the stream's clock goes on. */
  muted: boolean;

  /**
   * Sends every frame to a stream, whose `sampleRate` must be the microphone's, until one of the two ends. Audio that
   * the stream cannot take any more is dropped, and `dropped` says how much.
   *
   * @throws {InvalidOption} The stream has another sample rate or encoding.
   */
  pipeTo(stream: Stream): void;

  /** Releases the device; the browser's sign that it listens goes out. A second call does nothing. */
  stop(): Promise<void>;

  /** Frames from now on; of those that are not read in time, the oldest are dropped after 10 seconds. Ends with `stop`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Int16Array>;

  addEventListener<K extends keyof MicrophoneEventMap>(
    type: K,
    listener: ((event: CustomEvent<MicrophoneEventMap[K]>) => void) | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** Events of a microphone. */
export interface MicrophoneEventMap {
  /** A frame, `frameMs` of samples. */
  frame: Int16Array;
  /** The device has gone, or `stop` was called; `error` is null then. */
  ended: { readonly error: MicrophoneError | null };
  /** A stream could not take audio. */
  dropped: { readonly seconds: number };
}

// --- audio -----------------------------------------------------------------------------------------------------------

/** 16-bit samples from floats between -1 and 1. Values beyond are clipped; NaN becomes 0. */
export function toPcm16(samples: Float32Array): Int16Array;

/** Changes the rate of mono audio that comes in pieces, by a windowed sinc that leaves out what the new rate cannot carry. */
export class Resampler {
  /**
   * @param from Samples per second that go in.
   * @param to Samples per second that come out.
   * @throws {RangeError} A rate is no positive number.
   */
  constructor(from: number, to: number);
  /** The samples that are certain by now; a few that need the next ones wait. */
  process(samples: Float32Array): Float32Array;
  /** The last samples. */
  flush(): Float32Array;
}
