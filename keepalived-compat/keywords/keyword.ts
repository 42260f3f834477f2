/**
 * The vocabulary of keepalived.conf as data. One table for each place where keywords may stand; a block's keyword holds
 * the table of its inside. The tables know every keyword of keepalived 2.4.3, also those that this version does not
 * carry out, so that a valid file is never told that it is wrong.
 */

/** What one word of a statement must look like. */
export type ArgumentType =
  /** Decimal digits without a sign. */
  | 'uint'
  | 'int'
  /** A decimal fraction with a number of decimals that is limited. */
  | 'decimal'
  /** As `decimal`, in seconds with 6 decimals. */
  | 'seconds'
  /** `true`, `on`, `yes`, or `false`, `off`, `no`. */
  | 'bool'
  | 'ip'
  /** One of `values`. */
  | 'enum'
  /** One of `values`, or something else that the words of `alsoAccepts` describe. */
  | 'enum-or-other'
  /** Everything that is only named here: keepalived checks it by its own rules. */
  | 'string'
  | 'script'
  | 'path'
  | 'interface'
  | 'other';

export interface Argument {
  readonly name: string;
  readonly type: ArgumentType;
  readonly optional?: true;
  /** Any number of words of this kind. */
  readonly repeats?: true;
  /** The word is introduced by the argument's own name: `port 6080`. */
  readonly named?: true;
  /** Of `enum`. */
  readonly values?: readonly string[];
  /** `values` are compared without regard to case. */
  readonly anyCase?: true;
  /** Bounds of a number, inclusive. */
  readonly min?: number;
  readonly max?: number;
  /** What an `other` word looks like, in words. */
  readonly form?: string;
}

/**
 * - `block`: has a body of keywords. `value-block`: has a body of free lines.
 * - `setting`: has words. `flag`: stands alone.
 */
export type KeywordKind = 'block' | 'value-block' | 'setting' | 'flag';

/** What counts when the keyword stands twice in one block. */
export type RepeatRule =
  | 'last'
  /** A repetition is an error. */
  | 'first'
  /** Each one has its own effect. */
  | 'each';

/**
 * - `supported`: carried out.
 * - `without-effect`: read, and nothing is lost by doing nothing; the reason is in `inEffect`.
 * - `not-supported`: what it asks for does not happen; what happens instead is in `inEffect`.
 */
export type SupportStatus = 'supported' | 'without-effect' | 'not-supported';

export interface Keyword {
  readonly name: string;
  readonly kind: KeywordKind;
  readonly args: readonly Argument[];
  readonly repeat: RepeatRule;
  /** In words or as a value, as the manual page would say it. */
  readonly default?: string | number;
  /** Another spelling of this keyword of the same table. */
  readonly aliasOf?: string;
  /** The keyword to write instead; may be in another table. */
  readonly replacedBy?: string;
  readonly status: SupportStatus;
  /** What is in effect where the status is not `supported`. */
  readonly inEffect?: string;
  /** Keywords of one block that fail for one reason are reported together under this name. */
  readonly feature?: string;
  /** A block that may stand without a body, which is then empty. */
  readonly bodyOptional?: true;
  /** Of a block. */
  readonly table?: KeywordTable;
}

/** The keywords that may stand in one place, in the order of keepalived's own table. */
export type KeywordTable = ReadonlyMap<string, Keyword>;

export function text(name: string): Argument {
  return { name, type: 'string' };
}

/** Without bounds: 0 up to 4294967295. */
export function uint(name: string, min = 0, max = 4_294_967_295): Argument {
  return { name, type: 'uint', min, max };
}

export function int(name: string, min = -2_147_483_648, max = 2_147_483_647): Argument {
  return { name, type: 'int', min, max };
}

/** Seconds with up to 6 decimals; keepalived keeps them in microseconds. */
export function seconds(name: string, min = 0, max = 18_446_744_073_709): Argument {
  return { name, type: 'seconds', min, max };
}

/** 1..65535 unless 0 has a meaning. */
export function port(min: 0 | 1 = 1): Argument {
  return { name: 'port', type: 'uint', min, max: 65_535 };
}

export function ip(name: string): Argument {
  return { name, type: 'ip' };
}

export function oneOf(name: string, values: readonly string[]): Argument {
  return { name, type: 'enum', values };
}

/** A word that is only named here; `form` says what it looks like. */
export function other(name: string, form: string): Argument {
  return { name, type: 'other', form };
}

export function path(name: string): Argument {
  return { name, type: 'path' };
}

export function networkInterface(name: string): Argument {
  return { name, type: 'interface' };
}

export function optional(argument: Argument): Argument {
  return { ...argument, optional: true };
}

export function repeated(argument: Argument): Argument {
  return { ...argument, repeats: true };
}

/** Introduced by its own name. */
export function named(argument: Argument): Argument {
  return { ...argument, named: true, optional: true };
}

/** A switch that may stand alone, which means yes. */
export const onOff: readonly Argument[] = [{ name: 'on', type: 'bool', optional: true }];

/** A command in one quoted word, then the user and the group that run it. */
export const command: readonly Argument[] = [
  { name: 'cmd', type: 'script' },
  optional(text('user')),
  optional(text('group')),
];

type Options = Partial<Omit<Keyword, 'name' | 'kind' | 'args' | 'table'>>;

export function flag(name: string, options: Options = {}): Keyword {
  return { name, kind: 'flag', args: [], repeat: 'last', status: 'not-supported', ...options };
}

export function setting(name: string, args: readonly Argument[], options: Options = {}): Keyword {
  return { name, kind: 'setting', args, repeat: 'last', status: 'not-supported', ...options };
}

export function valueBlock(name: string, args: readonly Argument[], options: Options = {}): Keyword {
  return { name, kind: 'value-block', args, repeat: 'last', status: 'not-supported', ...options };
}

export function block(
  name: string,
  args: readonly Argument[],
  options: Options,
  keywords: readonly Keyword[],
): Keyword {
  return { name, kind: 'block', args, repeat: 'last', status: 'not-supported', ...options, table: table(keywords) };
}

export function table(keywords: readonly Keyword[]): KeywordTable {
  const map = new Map<string, Keyword>();
  for (const keyword of keywords) map.set(keyword.name, keyword);
  return map;
}

/** The same keywords with one property of each changed: a whole block that is supported, or is not. */
export function withStatus(status: SupportStatus, keywords: readonly Keyword[]): readonly Keyword[] {
  return keywords.map((keyword) => ({ ...keyword, status }));
}
