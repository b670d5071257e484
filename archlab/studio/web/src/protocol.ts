/** What the page asks of Python, and what it is answered. Lines and columns count from 0, columns in UTF-16 units. */

export type Value = number | string | boolean | null;

/** Values of params that stand in place of those in the text. */
export type Settings = Record<string, Value>;

export interface Preset {
  name: string;
  summary: string;
  family: string;
  variants: string[];
}

export interface Hello {
  version: string;
  file: string | null;
  text: string | null;
  /** The one to begin with; empty for the config's own network. */
  variant?: string;
  /** Values of params to begin with. */
  set?: Settings;
  writable: boolean;
  /** Of the file as it was read; given back when it is saved. */
  revision?: string | null;
  presets: Preset[];
}

export interface Stretch {
  line: number;
  column: number;
  end_line: number;
  end_column: number;
}

export interface Edit extends Stretch {
  text: string;
}

export interface Fix {
  title: string;
  edits: Edit[];
}

export interface Related {
  line: number | null;
  message: string;
}

export interface Problem extends Stretch {
  severity: "error" | "warning" | "info" | "hint";
  code: string;
  message: string;
  hint?: string | null;
  page?: string | null;
  related?: Related[];
  fixes?: Fix[];
}

export interface Hint {
  line: number;
  column: number;
  text: string;
  tooltip: string;
}

export interface Lens {
  line: number;
  title: string;
}

export interface Param {
  name: string;
  value: Value;
  default: Value;
  kind: "int" | "float" | "bool" | "str" | "other";
  low?: number | null;
  high?: number | null;
  step?: number | null;
  choices?: Value[] | null;
}

export interface Total {
  key: string;
  label: string;
  value: number | string | null;
  /** In full. */
  exact?: string | null;
  text: string;
}

export interface Budget {
  text: string;
  met: boolean;
}

export interface Column {
  key: string;
  label: string;
  numeric: boolean;
}

export interface Cell {
  value: number | string | null;
  text: string;
}

export interface Row {
  line: number | null;
  name: string;
  cells: Cell[];
}

export interface Layers {
  columns: Column[];
  rows: Row[];
  /** How many more there are. */
  left_out?: number;
}

export interface Growth {
  name: string;
  /** Which of all layers it is, from 0: of many only some are sent. */
  at?: number;
  receptive_field: (number | null)[] | null;
  global?: boolean;
  jump: (number | string | null)[] | null;
  line: number | null;
}

export interface Moment {
  name: string;
  at?: number;
  bytes: number;
  line: number | null;
}

export interface Part {
  label: string;
  value: number;
  text: string;
}

/** Whose bytes are alive at the peak. */
export interface Holder {
  layer: string;
  bytes: number;
  text: string;
}

export interface Timeline {
  moments: Moment[];
  /** Which of them. */
  peak: number;
  peak_text: string;
  parts: Part[];
  holders: Holder[];
}

/** The numbers of a network; all or nothing. */
export interface Numbers {
  name: string;
  totals: Total[];
  budgets: Budget[];
  layers: Layers;
  growth: Growth[];
  growth_left_out?: number;
  timeline: Timeline;
  axes?: string[];
  input?: number[];
}

export interface Check extends Partial<Numbers> {
  ok: boolean;
  problems: Problem[];
  hints: Hint[];
  lenses: Lens[];
  variants?: string[];
  variant?: string;
  params?: Param[];
  timing?: { analysis_ms: number };
}

export interface Offer {
  label: string;
  kind: string;
  detail?: string;
  insert?: string | null;
}

export interface Completion {
  start: number;
  end: number;
  offers: Offer[];
}

export interface Hover extends Partial<Stretch> {
  markdown: string | null;
}

export interface Definition extends Partial<Omit<Stretch, "line">> {
  line: number | null;
}

export interface FieldAxis {
  name: string;
  input: number;
  units: number;
  unit: number;
  /** The first and the last position that is seen, which padding may hold; null where that is not known. */
  first: number | null;
  last: number | null;
  parts: [number, number][];
  size: number | null;
  stride: number | string | null;
  start: number | string | null;
  coverage: number | null;
}

export interface FieldPicture {
  layer: string | null;
  layers: string[];
  axes: FieldAxis[];
  global: boolean;
  note?: string | null;
}

export interface Change {
  key: string;
  label: string;
  before: string;
  after: string;
  change: string;
  better: boolean | null;
}

export interface LayerChange {
  kind: "added" | "removed" | "changed";
  name: string;
  text: string;
}

export interface Difference {
  totals: Change[];
  layers: LayerChange[];
  more?: number;
  problems?: (Problem | string)[];
}

export interface Download {
  name: string;
  media_type: string;
  text: string;
}

/** What stands in the editor, and what is chosen beside it. */
export interface Config {
  text: string;
  variant: string;
  set: Settings;
}

interface At {
  text: string;
  variant: string;
  line: number;
  column: number;
}

/** Each method: its request and its answer. */
export interface Methods {
  hello: [Record<string, never>, Hello];
  check: [Config & { parts?: string[]; validate?: boolean; rows_from?: number }, Check];
  complete: [At, Completion];
  hover: [At, Hover];
  definition: [At, Definition];
  format: [{ text: string }, { text: string | null; message?: string }];
  diagram: [Config & { theme: "light" | "dark" }, { svg: string }];
  field_picture: [Config & { layer?: string }, FieldPicture];
  difference: [Config & { kept: Config }, Difference];
  preset: [{ name: string; variant: string }, { text: string; variant?: string }];
  download: [Config & { kind: string }, Download];
  save: [{ text: string; revision: string | null }, { saved: boolean; file?: string; revision?: string | null }];
}

export type Method = keyof Methods;
export type Request<M extends Method> = Methods[M][0];
export type Answer<M extends Method> = Methods[M][1];
