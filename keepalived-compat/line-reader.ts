/** Walks over the words of one line of a value block (addresses, tracks, peers): the small grammars inside blocks. */
import { type IpAddress, ipFamily, parseIpAddress } from '../lib/address/ip-address.ts';
import type { SourcePlace } from '../lib/model/virtual-server.ts';
import type { Setting } from './block-reader.ts';
import type { DiagnosticList } from './diagnostic-list.ts';
import type { Statement, Token } from './syntax-tree.ts';

/** The lines inside a block, in the order of the text; a block inside a line is reported and left out. */
export function linesOf(block: Setting, diagnostics: DiagnosticList): readonly (readonly Token[])[] {
  const statements: readonly Statement[] = block.statement.body?.statements ?? [];
  return statements.flatMap(({ words, body }) => {
    if (body !== undefined) {
      diagnostics.add('unexpected-block', 'error', body.open, {
        message: `a line of ${block.name} takes no block`,
        inEffect: 'the block is skipped',
      });
    }
    return words.length === 0 ? [] : [words];
  });
}

export class LineReader {
  readonly #words: readonly Token[];
  readonly #diagnostics: DiagnosticList;
  /** What is in effect when a word that an option needs is missing or wrong. */
  readonly #inEffect: string;
  #next = 0;

  constructor(words: readonly Token[], inEffect: string, diagnostics: DiagnosticList) {
    this.#words = words;
    this.#inEffect = inEffect;
    this.#diagnostics = diagnostics;
  }

  /** The word to read next; undefined at the end of the line. */
  peek(): Token | undefined {
    return this.#words[this.#next];
  }

  next(): Token | undefined {
    return this.#words[this.#next++];
  }

  /** The word behind `option`; its absence is reported. */
  argument(option: Token, form: string): Token | undefined {
    const token = this.next();
    if (token === undefined) {
      this.#diagnostics.add('missing-argument', 'error', option, {
        message: `${option.text} needs ${form}`,
        inEffect: this.#inEffect,
      });
    }
    return token;
  }

  /** A whole number behind `option`, within bounds that are inclusive. */
  number(option: Token, min: number, max: number): number | undefined {
    const token = this.argument(option, `a number from ${min} to ${max}`);
    if (token === undefined) return undefined;
    const value = /^[+-]?\d+$/.test(token.text) ? Number(token.text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.#diagnostics.add(Number.isNaN(value) ? 'invalid-value' : 'out-of-range', 'error', token, {
      message: `${option.text} must be a whole number from ${min} to ${max}, not ${JSON.stringify(token.text)}`,
      inEffect: this.#inEffect,
    });
    return undefined;
  }

  address(option: Token): IpAddress | undefined {
    const token = this.argument(option, 'an address');
    if (token === undefined) return undefined;
    const address = parseIpAddress(token.text);
    if (address === undefined) this.refuse(token, `${option.text} takes an IPv4 or IPv6 address`);
    return address;
  }

  refuse(token: Token, message: string, inEffect: string = this.#inEffect): void {
    this.#diagnostics.add('invalid-value', 'error', token, { message, inEffect });
  }
}

export interface Network {
  readonly address: IpAddress;
  /** A host's prefix where none was written. */
  readonly prefixLength: number;
}

/** `ADDRESS` or `ADDRESS/PREFIX`; undefined when it is neither. */
export function parseNetwork(text: string): Network | undefined {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = match === null ? undefined : parseIpAddress(match[1]!);
  if (address === undefined) return undefined;
  const longest = ipFamily(address) === 4 ? 32 : 128;
  const prefixLength = match?.[2] === undefined ? longest : Number(match[2]);
  return prefixLength > longest ? undefined : { address, prefixLength };
}

/** Where a word stands, for the model. */
export function sourceOf(token: Token): SourcePlace {
  const { line, start } = token;
  return { file: line.file.path, line: line.number, column: start - line.start + 1 };
}
