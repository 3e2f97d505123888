// What travels between the modules: the data of an utterance, what is drawn, and what Python sends.

import type { Match } from "./agreement.js";
import type { Detail } from "./detail.js";
import type { Filmstrip } from "./filmstrip.js";
import type { Firing, Shares } from "./firing.js";
import type { Raster } from "./raster.js";
import type { Tail } from "./tail.js";

/** Frame t covers start + t · shift to start + (t + 1) · shift, seconds. */
export interface Grid {
  start: number;
  shift: number;
}

export interface Span {
  /** Seconds. */
  start: number;
  /** Seconds. */
  end: number;
}

export interface Token extends Span {
  label: string;
}

/** Where a token's boundaries are read. */
export interface Edges {
  /** Share of the token's mass before its onset. */
  onsetQuantile: number;
  /** Share of the token's mass before its offset. */
  offsetQuantile: number;
  /** Seconds added to onsets. */
  onsetShift: number;
  /** Seconds added to offsets. */
  offsetShift: number;
  /** Where one token's mass ends and the next one's begins. */
  cut: "valleys" | "fires";
}

/** Where the controls stand. A type, since an interface is no `Record<string, unknown>`. */
export type Settings = {
  /** β. */
  threshold: number;
  /** δ. */
  slack: number;
  tail: Tail;
  /** Whether weights are scaled: not at all, to whole tokens between pauses, or to `count`. */
  scaling: "as given" | "phrases" | "count";
  /** Number of tokens for the scaling "count". */
  count: number;
  /** Factor on all weights. */
  gain: number;
  /** Neighbours on each side over which weights are averaged. */
  smoothing: number;
  /** Weights of single frames set by hand, by the index of the frame. */
  weights: Record<string, number>;
};

export interface Utterance {
  /** The hypothesis. */
  tokens: string[];
  /** Weights of the frames as given. */
  alpha: Float32Array;
  grid: Grid;
  /** Seconds. */
  duration: number;
  /** Those of the model. */
  settings: Settings;
  /** A pause is at least so many frames, each below this weight. */
  pauses: { pauseFrames: number; pauseWeight: number };
  /** Null for the fires themselves. */
  edges: Edges | null;
  /** True times of the tokens; null where they are unknown. */
  reference: Token[] | null;
  /** By whose rule the weights fire; null for that of `fire`. */
  dialect: Dialect | null;
  /** Settings that cannot be moved; "tail rule" is the rule without its value. */
  fixed: string[];
  /** What a CIF that is not cifviz's own did, at its own settings. */
  home: { firing: Firing; spans: [number, number][] } | null;
}

/** CIF as another code base runs it. */
export interface Dialect {
  name: string;
  /** Frames of which weights are read; null for all. */
  realFrames: number | null;
  /** Frames of zeros behind them. */
  padding: number;
  /** Whether FunASR's cut to the whole part of the sum, or its room for as many, holds for it. */
  cuts: boolean;
}

/** Tokens and times at some settings. */
export interface Aligned {
  /** Weights, with those set by hand. */
  given: Float32Array;
  /** The same after gain and smoothing, before scaling. */
  alpha: Float32Array;
  firing: Firing;
  tokens: Token[];
  /** Whether tokens have the labels of the hypothesis; otherwise they are numbered. */
  isNamed: boolean;
  /** Of `alpha`. */
  sum: number;
  /** Hypothesis less reference for each edge; null where they cannot be paired. */
  errors: Span[] | null;
}

/** The tokens that are shown: those that a person corrected, or CIF's own. */
export interface Shown {
  tokens: readonly Token[];
  /** Index of CIF's token that each overlaps most, whose colour it has; null where the tokens are CIF's. */
  owners: (number | null)[] | null;
  /** As in `Aligned`. */
  errors: Span[] | null;
}

/** Least and largest amplitudes of short pieces, in 127ths of the loudest sample. */
export interface Peaks {
  /** Pieces per second. */
  rate: number;
  low: Int8Array;
  high: Int8Array;
}

export interface LogMel extends Grid {
  frames: number;
  bands: number;
  picture: OffscreenCanvas;
}

/** Sound and spectrogram of a part of the utterance. */
export interface Stretch extends Span {
  /** Whether a shorter stretch would show no more. */
  isFinest: boolean;
  /** Null without sound. */
  peaks: Peaks | null;
  /** Null where there is neither sound nor features. */
  logMel: LogMel | null;
}

/** From the earliest to the latest time of the start and of the end of a word, seconds. */
export type Interval = [[number, number], [number, number]];

/** A lane beside the tokens: the words of phones, a compared alignment, or tokens at kept settings. */
export interface Compared {
  name: string;
  tokens: Token[];
  /** When it fired, seconds; null of an alignment alone. */
  fires: number[] | null;
  /** Of each token; null where they are unknown. */
  intervals: Interval[] | null;
  /** Words whose place is doubtful, the worst first. */
  doubts: Doubt[];
  /** Whether these are the words of the utterance itself. */
  isOwn: boolean;
}

export interface Doubt {
  word: string;
  reasons: string[];
}

/** Which tokens of which lanes belong together. */
export interface Matches {
  /** Of each compared lane; null where it is not compared with the tokens. */
  lanes: (Match | null)[];
  reference: Match | null;
}

/** The membrane of a neuron, frame by frame. */
export interface Membrane {
  /** Potential before the spikes of a frame. */
  peak: Float32Array;
  /** Potential after them. */
  potential: Float32Array;
  threshold: Float32Array;
  /** Number of spikes. */
  spikes: Uint8Array;
  /** Frames with spikes. */
  fired: number[];
  /** Ends of its axis. */
  low: number;
  high: number;
}

/** What a simultaneous system wrote. */
export interface Written {
  labels: string[];
  /** Seconds that were read when each token was written; they do not fall. */
  delays: Float64Array;
}

/** Lanes that some systems alone have; null where they do not. */
export interface SystemLanes {
  pictures: Filmstrip | null;
  spikes: Raster | null;
  membrane: Membrane | null;
  written: Written | null;
}

export interface Palette {
  colours: string[];
  hatches: string[];
}

/** Everything about an utterance that an explorer shows. */
export interface ViewData {
  /** Of the recording, for the names of files; may be empty. */
  name: string;
  /** The tokens' own name among tiers: "tokens", or "phones" of words. */
  tier: string;
  utterance: Utterance;
  /** The first is of the whole, later ones are finer, of a part. */
  stretches: Stretch[];
  /** Middle frequencies of the bands of the spectrogram; null where they are unknown. */
  hertz: number[] | null;
  compare: Compared[];
  lanes: SystemLanes;
  palette: Palette;
  model: Model;
  /** Whether there is a recording, which may still be on its way. */
  hasSound: boolean;
}

/** What is known of the model, in words; empty where there is nothing to say. */
export interface Model {
  summary: string;
  warning: string;
  /** By which rule it fires, where that is not the rule of cifviz. */
  rule: string;
}

/** Ends of the axes, which stand while settings change. */
export interface Axes {
  /** Of the weights. */
  weight: number;
  /** Of the sum of the weights. */
  sum: number;
}

/** What is drawn. */
export interface Seen extends ViewData {
  /** What CIF does at these settings. */
  aligned: Aligned;
  /** The tokens as a person corrected them; null where none did. They do not follow the settings. */
  corrected: readonly Token[] | null;
  shown: Shown;
  axes: Axes;
  matches: Matches;
  /** Index of the selected token. */
  selected: number | null;
  /** Waveform and spectrogram from samples; null without sound. */
  detail: Detail | null;
}

/** What others are told of an explorer. */
export interface State {
  settings: Settings;
  /** CIF's own. */
  alignment: Token[];
  corrected: readonly Token[] | null;
  selection: number | null;
  /** Settings kept as lanes, each only what differs from the model. */
  kept: Partial<Settings>[];
}

export type Canvas2D = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** What the reader marked in the picture, seconds. */
export interface Marks {
  region: Span | null;
  cursor: number | null;
  /** The chosen edge. */
  edge: number | null;
}

/** Height range of a lane on the canvas, pixels. */
export interface Strip {
  top: number;
  height: number;
}

/** The fill of a token, by its index and its width in pixels. */
export type TokenFill = (index: number, wide: number) => string | CanvasPattern;

/** Colours of the page, and fills of tokens. */
export interface Look {
  isDark: boolean;
  ink: string;
  faint: string;
  paper: string;
  accent: string;
  palette: Palette;
  fill: TokenFill;
}

// --- what Python sends ---------------------------------------------------------------------------

/** Of `spans_of` in data.py. */
export interface WrittenSpans {
  labels: string[];
  starts: number[];
  ends: number[];
}

/** Of `stretch` in data.py; texts are base64. */
export interface WrittenStretch extends Span {
  isFinest: boolean;
  peaks: { rate: number; low: string; high: string } | null;
  log_mel: (Grid & { frames: number; bands: number; pooled: number; values: string }) | null;
}

/** Of `pictures_of` in system_lanes.py. */
export interface WrittenPictures extends Grid {
  /** A PNG, base64. */
  sheet: string;
  /** Thumbnails on the sheet, in rows of so many. */
  count: number;
  columns: number;
  /** Pixels of a thumbnail. */
  width: number;
  height: number;
  /** Thumbnail n is picture n · every. */
  every: number;
  pictures: number;
}

/** Of `spikes_of` in system_lanes.py. */
export interface WrittenSpikes extends Grid {
  /** A bit for each row of each column, base64. */
  values: string;
  columns: number;
  rows: number;
  /** Frames of a column, and neurons of a row. */
  pooled: number;
  pooledNeurons: number;
  neurons: number;
}

/** Of a membrane, see system_lanes.py; texts are base64. */
export interface WrittenMembrane {
  peak: string;
  potential: string;
  threshold: string;
  spikes: string;
}

/** Of `written_of` in system_lanes.py. */
export interface WrittenDelays {
  labels: string[];
  delays: number[];
}

/** Of `system_lanes` in system_lanes.py. */
export interface WrittenLanes {
  pictures?: WrittenPictures;
  spikes?: WrittenSpikes;
  membrane?: WrittenMembrane;
  written?: WrittenDelays;
}

/** Of `home_of` in data.py; texts are base64. */
export interface WrittenHome {
  alpha: string;
  ends: string;
  positions: string;
  threshold: number;
  tailFired: boolean;
  residual: number;
  starts: number[];
  stops: number[];
  shares: { first: string; owners: string; weights: string } | null;
}

/** Of `sound_facts` in data.py. */
export interface WrittenSound {
  /** Samples per second. */
  rate: number;
  /** Samples. */
  length: number;
  /** Samples of each piece but the last. */
  piece: number;
  /** Magnitude of the loudest sample. */
  loudest: number;
  /** What compression changed, in words; empty for exact sound. */
  note: string;
  /** Those of the spectrogram; null where these samples do not make it. */
  features: Features | null;
}

/** What makes a spectrogram of samples. */
export interface Features {
  /** Samples from one frame to the next. */
  hop: number;
  /** Samples under the window. */
  window: number;
  bands: number;
  /** Hz. */
  lowest: number;
  /** Hz. */
  highest: number;
  /** Least power. */
  floor: number;
  /** Logarithm of the largest power of the whole. */
  top: number;
}

/** Of `view_data` in data.py; texts are base64. */
export interface WrittenData extends Omit<Utterance, "alpha" | "reference" | "home"> {
  name: string;
  tier: string;
  alpha: string;
  home: WrittenHome | null;
  reference: WrittenSpans | null;
  whole: WrittenStretch;
  hertz?: number[] | null;
  compare: (Partial<Omit<Compared, "tokens">> & { name: string; tokens: WrittenSpans })[];
  /** Not in older pages. */
  lanes?: WrittenLanes;
  palette: Palette;
  model: Model;
  sound: WrittenSound | null;
}

/** Of `to_html` in page.py. */
export interface WrittenPage extends WrittenData {
  /** Sound files, base64. */
  sound_pieces: string[] | null;
  /** Where the controls stand at first, if elsewhere than the model. */
  begin: Partial<Settings>;
  /** Settings kept as lanes; not in older pages. */
  kept?: Partial<Settings>[];
  /** Tokens that were corrected by hand; pages of older versions have none. */
  corrected?: WrittenSpans | null;
}

// --- messages between a view and Python ----------------------------------------------------------

/** Questions that Python answers: what is sent beside the type, and what comes back. */
export interface Questions {
  sound: { sent: Span; answer: object };
  stretch: { sent: Span; answer: WrittenStretch };
  piece: { sent: { index: number; count: number; name: string }; answer: object };
  listen: { sent: object; answer: object };
}

/** Traits of the widget that a view uses, see widget.py. */
export interface Traits {
  data: string;
  settings: Settings;
  selection: number | null;
  placed: WrittenSpans | null;
  kept: Partial<Settings>[];
  edited: WrittenSpans | null;
  listens: boolean;
}

/** The part of anywidget's model that is used, see https://anywidget.dev. */
export interface WidgetModel {
  get<Name extends keyof Traits>(name: Name): Traits[Name];
  set<Name extends keyof Traits>(name: Name, value: Traits[Name]): void;
  save_changes(): void;
  on(event: "msg:custom", callback: MessageCallback): void;
  on(event: `change:${keyof Traits}`, callback: () => void): void;
  off(event: "msg:custom", callback: MessageCallback): void;
  off(event: `change:${keyof Traits}`, callback: () => void): void;
  send(content: object, callbacks: undefined, buffers: ArrayBuffer[]): void;
}

export type MessageCallback = (
  message: { id: string | null; error?: string },
  buffers: DataView<ArrayBuffer>[],
) => void;
