/**
 * Reads the words of a statement as the kinds of value that its keyword takes. A word that is wrong gives a diagnostic
 * and no value, so that the caller's default applies; what is in effect then is the caller's to say.
 */
import { type IpAddress, parseIpAddress } from '../lib/address/ip-address.ts';
import { milliseconds } from '../lib/time/duration.ts';
import type { DiagnosticList } from './diagnostic-list.ts';
import type { Argument, Keyword } from './keywords/keyword.ts';
import { nearest } from './nearest.ts';
import type { Token } from './syntax-tree.ts';

/** `seconds` gives a Duration in milliseconds, `ip` an IpAddress, `enum` the spelling of the table. */
export type ArgumentValue = string | number | boolean | IpAddress;

/** One value of a statement, with the word that it stands in. */
export interface ReadValue {
  /** Of the argument; a repeated argument has several values. */
  readonly name: string;
  readonly value: ArgumentValue;
  readonly token: Token;
}

const noValues: readonly ReadValue[] = [];

/**
 * The values of a statement in the order of its words, or undefined when a word that it needs is missing or cannot be
 * read.
 *
 * @param fallback what is in effect when a word is wrong: `the default is in effect`
 */
export function readArguments(
  keyword: Keyword,
  words: readonly Token[],
  fallback: string,
  diagnostics: DiagnosticList,
): readonly ReadValue[] | undefined {
  if (words.length === 1 && keyword.args.length === 0) return noValues;
  const values: ReadValue[] = [];
  let isFaulty = false;
  let next = 1;
  const take = (argument: Argument, token: Token): void => {
    const isExtra = argument.optional === true && argument.type === 'enum';
    const value = readWord(keyword, argument, token, isExtra ? 'the word is ignored' : fallback, diagnostics);
    if (value !== undefined) values.push({ name: argument.name, value, token });
    else if (!isExtra) isFaulty = true;
  };
  for (const argument of keyword.args) {
    if (argument.named === true) continue;
    // Named words may stand anywhere after the first one.
    if (next > 1) next = takeNamed(keyword, words, next, take);
    if (next >= words.length) {
      if (argument.optional === true) continue;
      // Differs: keepalived ends at a keyword that lacks a word, with status 2; here the rest is read as well.
      diagnostics.add('missing-argument', 'error', words[0]!, {
        message: `${keyword.name} needs ${describe(argument)}`,
        inEffect: fallback,
      });
      return undefined;
    }
    do take(argument, words[next++]!);
    while (argument.repeats === true && next < words.length);
  }
  next = takeNamed(keyword, words, next, take);
  if (next < words.length) reportExtraWords(keyword, words, next, diagnostics);
  return isFaulty ? undefined : values;
}

function reportExtraWords(keyword: Keyword, words: readonly Token[], from: number, diagnostics: DiagnosticList): void {
  const first = words[from]!;
  const several = words.length - from > 1;
  const place = [first, words.at(-1)!] as const;
  if (keyword.kind === 'flag' && booleans.get(first.text) === false) {
    diagnostics.add('extra-words', 'warning', place, {
      message: `${keyword.name} takes no words: ${first.text} does not switch it off`,
      inEffect: `${keyword.name} is on`,
      hint: `leave ${keyword.name} out to switch it off`,
    });
    return;
  }
  // keepalived says nothing, and nothing else happens: no reason to fail a configuration test that it passes.
  diagnostics.add('extra-words', 'info', place, {
    message: `${keyword.name} takes no ${keyword.args.length === 0 ? '' : 'further '}words`,
    inEffect: several ? 'the words are ignored' : 'the word is ignored',
    hint: 'one line holds one statement; a value with blanks needs double quotes',
  });
}

function takeNamed(
  keyword: Keyword,
  words: readonly Token[],
  from: number,
  take: (argument: Argument, token: Token) => void,
): number {
  let next = from;
  while (next + 1 < words.length) {
    const argument = keyword.args.find(({ name, named }) => named === true && name === words[next]!.text);
    if (argument === undefined) break;
    take(argument, words[next + 1]!);
    next += 2;
  }
  return next;
}

function readWord(
  keyword: Keyword,
  argument: Argument,
  token: Token,
  fallback: string,
  diagnostics: DiagnosticList,
): ArgumentValue | undefined {
  switch (argument.type) {
    case 'uint':
    case 'int':
    case 'decimal':
    case 'seconds':
      return readNumber(keyword, argument, token, fallback, diagnostics);
    case 'bool': {
      const value = booleans.get(token.text);
      if (value === undefined)
        refuse(keyword, argument, token, 'on or off', fallback, diagnostics, [...booleans.keys()]);
      return value;
    }
    case 'ip': {
      const address = parseIpAddress(token.text);
      if (address === undefined) refuse(keyword, argument, token, 'an IPv4 or IPv6 address', fallback, diagnostics);
      return address;
    }
    case 'enum': {
      const values = argument.values ?? [];
      const wanted = argument.anyCase === true ? token.text.toUpperCase() : token.text;
      const value = values.find((known) => (argument.anyCase === true ? known.toUpperCase() : known) === wanted);
      if (value === undefined)
        refuse(keyword, argument, token, `one of ${values.join(', ')}`, fallback, diagnostics, values);
      return value;
    }
    default:
      return token.text;
  }
}

const booleans = new Map([
  ['true', true],
  ['on', true],
  ['yes', true],
  ['false', false],
  ['off', false],
  ['no', false],
]);

/** The word as written, cut where it is long: a message is one line of a log. */
function quote({ text }: Token): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}

/** What a message calls the argument: the keyword itself for its first one. */
function subject(keyword: Keyword, argument: Argument): string {
  return keyword.args[0] === argument ? keyword.name : `the ${argument.name} of ${keyword.name}`;
}

function refuse(
  keyword: Keyword,
  argument: Argument,
  token: Token,
  wanted: string,
  inEffect: string,
  diagnostics: DiagnosticList,
  candidates: readonly string[] = [],
): void {
  const near = nearest(token.text, candidates);
  diagnostics.add('invalid-value', 'error', token, {
    message: `${subject(keyword, argument)} must be ${wanted}, not ${quote(token)}`,
    inEffect,
    hint: near === undefined ? undefined : `did you mean ${near}?`,
  });
}

/** A number with, for decimals, a fraction; then whatever stands behind it. */
const numberText = /^([+-]?)(\d+)(?:\.(\d*))?/;

/**
 * Differs: a number that is followed by something else (`5x`, `500ms`) is refused by keepalived's configuration test
 * and taken by a running keepalived. It is taken here too, as an error.
 */
function readNumber(
  keyword: Keyword,
  argument: Argument,
  token: Token,
  fallback: string,
  diagnostics: DiagnosticList,
): number | undefined {
  const hasDecimals = argument.type === 'seconds' || argument.type === 'decimal';
  const unit = argument.type === 'seconds' ? ' s' : '';
  const match = numberText.exec(token.text);
  const wanted = hasDecimals ? 'a decimal number' : 'a whole number';
  if (match === null || (argument.type === 'uint' && match[1] === '-')) {
    refuse(keyword, argument, token, match === null ? wanted : `${wanted} that is not negative`, fallback, diagnostics);
    return undefined;
  }
  const [whole, sign, digits, fraction = ''] = match;
  const text = hasDecimals ? `${digits}.${fraction || '0'}` : digits!;
  const value = Number(sign + text);
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = argument;
  if (value < min || value > max) {
    diagnostics.add('out-of-range', 'error', token, {
      message: `${subject(keyword, argument)} must be ${describeRange(argument, unit)}, not ${quote(token)}`,
      inEffect: fallback,
    });
    return undefined;
  }
  const used = hasDecimals ? whole.length : sign!.length + digits!.length;
  if (used < token.text.length) {
    diagnostics.add('trailing-characters', 'error', token, {
      message: `${JSON.stringify(token.text.slice(used))} behind the number means nothing`,
      inEffect: `using ${value}${unit}`,
      hint:
        hasDecimals && /^m(s|sec)?$/.test(token.text.slice(used)) ? 'times are in seconds: 500 ms is 0.5' : undefined,
    });
  }
  if (argument.type !== 'seconds') return value;
  if (fraction.length > 6 && /[^0]/.test(fraction.slice(6))) {
    diagnostics.add('too-precise', 'error', token, {
      message: `${keyword.name} has more than 6 decimals`,
      inEffect: `using ${Number(value.toFixed(6))} s`,
    });
  }
  return milliseconds(Math.round(value * 1e6) / 1000);
}

function describeRange({ min = 0, max, type }: Argument, unit: string): string {
  const number = (value: number): string => (value === 0.000001 && type === 'seconds' ? '0.000001' : String(value));
  if (max === undefined || max >= 4_294_967_295)
    return min <= 0 ? 'below 4294967296' : `at least ${number(min)}${unit}`;
  return `${number(min)} to ${max}${unit}`;
}

function describe({ name, type, form, values }: Argument): string {
  if (values !== undefined) return `one of ${values.join(', ')}`;
  const kinds: Partial<Record<Argument['type'], string>> = {
    uint: 'a number',
    int: 'a number',
    decimal: 'a number',
    seconds: 'a number of seconds',
    ip: 'an address',
    path: 'a path',
    interface: 'an interface',
    script: 'a command',
  };
  return form ?? kinds[type] ?? `a ${name}`;
}
