/**
 * Holds the statements of one block against the table of keywords that may stand there, and reports what does not fit.
 * What remains are settings with typed values, for lower.ts to give them their meaning.
 *
 * Differs: an unknown keyword takes its whole block with it. keepalived reads the inside as keywords of the surrounding
 * block, and lets the block's `}` close the surrounding one.
 */
import { type ReadValue, readArguments } from './arguments.ts';
import type { DiagnosticList } from './diagnostic-list.ts';
import type { Keyword, KeywordTable } from './keywords/keyword.ts';
import { keywordPlaces } from './keywords/root.ts';
import { nearest } from './nearest.ts';
import { reportUnsupported, reportUnsupportedBlock } from './support.ts';
import type { Statement, Token } from './syntax-tree.ts';

/** One statement that is in effect, with the keyword's own name where it was written as an alias. */
export interface Setting {
  readonly name: string;
  readonly keyword: Keyword;
  readonly token: Token;
  readonly statement: Statement;
  /** In the order of the words. */
  readonly values: readonly ReadValue[];
  /** Position in the block: a smaller one stands before a greater one. */
  readonly order: number;
}

/** The settings of a block. Looking one up is a search from the end: blocks are short, and the last one counts. */
export class BlockContents {
  readonly #settings: Setting[] = [];
  /** Settings that were written and could not be read: not missing, only wrong. */
  readonly #refused: string[] = [];

  add(setting: Setting): void {
    this.#settings.push(setting);
  }

  refuse(name: string): void {
    if (!this.#refused.includes(name)) this.#refused.push(name);
  }

  wasRefused(name: string): boolean {
    return this.#refused.includes(name);
  }

  all(name: string): readonly Setting[] {
    return this.#settings.filter((setting) => setting.name === name);
  }

  settings(): readonly Setting[] {
    return this.#settings;
  }

  /** Those that open a block, in the order of the text. */
  blocks(): readonly Setting[] {
    return this.#settings.filter(({ keyword }) => keyword.kind === 'block');
  }

  /** The one that counts. */
  last(name: string): Setting | undefined {
    const settings = this.#settings;
    for (let i = settings.length - 1; i >= 0; i--) if (settings[i]!.name === name) return settings[i];
    return undefined;
  }

  has(name: string): boolean {
    return this.last(name) !== undefined;
  }

  number(name: string): number | undefined {
    return this.last(name)?.values[0]?.value as number | undefined;
  }

  text(name: string): string | undefined {
    return this.last(name)?.values[0]?.value as string | undefined;
  }

  /** A switch; alone it means yes. */
  switch(name: string): boolean | undefined {
    const setting = this.last(name);
    return setting === undefined ? undefined : ((setting.values[0]?.value as boolean | undefined) ?? true);
  }
}

/** The value of one argument, with its word. */
export function argument(setting: Setting, name: string): ReadValue | undefined {
  return setting.values.find((value) => value.name === name);
}

export interface BlockPlace {
  readonly table: KeywordTable;
  /** The keyword of the block, for messages; undefined outside any block. */
  readonly name: string | undefined;
  /** Takes a keyword of this table that is not supported, and its statement; without it they are reported. */
  readonly unsupportedBlock?: (keyword: Keyword, statement: Statement) => void;
  /**
   * What happens to a keyword that is not carried out: `report` names it and looks no further, `report-and-read` also
   * checks its words and gives its values, `read` leaves naming it to the caller, who has reported the whole block.
   */
  readonly notCarriedOut?: 'report' | 'report-and-read' | 'read';
}

export function readBlock(
  statements: readonly Statement[],
  place: BlockPlace,
  diagnostics: DiagnosticList,
): BlockContents {
  const contents = new BlockContents();
  const unsupported: { keyword: Keyword; token: Token }[] = [];
  for (let order = 0; order < statements.length; order++) {
    const statement = statements[order]!;
    const token = statement.words[0];
    if (token === undefined) continue;
    const keyword = place.table.get(token.text);
    if (keyword === undefined) {
      reportUnknown(statement, token, place, diagnostics);
      continue;
    }
    const mode = place.notCarriedOut ?? 'report';
    if (keyword.status !== 'supported' && mode !== 'read') {
      if (keyword.table === undefined && keyword.kind !== 'value-block') {
        // A brace behind a word that takes no block must not go unnoticed, supported or not.
        if (mode === 'report') checkShape(statement, keyword, place, diagnostics);
        unsupported.push({ keyword, token });
      } else if (keyword.feature !== undefined) unsupported.push({ keyword, token });
      else if (place.unsupportedBlock !== undefined) place.unsupportedBlock(keyword, statement);
      else reportUnsupportedBlock(keyword, statement, diagnostics);
    }
    if (keyword.status === 'supported' || mode !== 'report') {
      const list = keyword.status === 'supported' ? diagnostics : diagnostics.advisory();
      const setting = readStatement(statement, token, keyword, order, contents, place, list);
      if (setting !== undefined) contents.add(setting);
    }
  }
  reportUnsupported(unsupported, diagnostics);
  return contents;
}

function readStatement(
  statement: Statement,
  token: Token,
  keyword: Keyword,
  order: number,
  contents: BlockContents,
  place: BlockPlace,
  diagnostics: DiagnosticList,
): Setting | undefined {
  const name = canonicalName(keyword, place.table);
  const words = checkShape(statement, keyword, place, diagnostics);
  if (words === undefined) return undefined;
  const earlier = keyword.repeat === 'each' || keyword.kind === 'flag' ? undefined : contents.last(name);
  if (earlier !== undefined) {
    const first = keyword.repeat === 'first';
    diagnostics.add('repeated-keyword', first ? 'error' : 'info', token, {
      message: `${token.text} stands here a second time`,
      inEffect: first ? 'the first one counts' : 'the last one counts',
      related: [{ at: earlier.token, message: 'first here' }],
    });
    if (first) return undefined;
  }
  // Where the keyword is reported as not supported, its old name is no second cause.
  if (keyword.replacedBy !== undefined && (keyword.status === 'supported' || place.notCarriedOut === 'read')) {
    diagnostics.add('deprecated-keyword', 'warning', token, {
      message: `${token.text} is an old name`,
      inEffect: `read as ${keyword.replacedBy}`,
      hint: `write ${keyword.replacedBy}`,
    });
  }
  // The last argument of a value block stands for the lines inside.
  const head = keyword.kind === 'value-block' ? { ...keyword, args: keyword.args.slice(0, -1) } : keyword;
  const values = readArguments(head, words, fallback(keyword, earlier !== undefined), diagnostics);
  if (values === undefined) {
    contents.refuse(name);
    return undefined;
  }
  return { name, keyword, token, statement, values, order };
}

/** The words of a statement whose block is where it should be, or undefined when there is nothing to read. */
function checkShape(
  statement: Statement,
  keyword: Keyword,
  place: BlockPlace,
  diagnostics: DiagnosticList,
): readonly Token[] | undefined {
  const { words, body } = statement;
  const takesBlock = keyword.kind === 'block' || keyword.kind === 'value-block';
  if (takesBlock && body === undefined) {
    const isOptional = keyword.bodyOptional === true;
    diagnostics.add('missing-block', 'error', words[0]!, {
      message: `${keyword.name} needs a block`,
      inEffect: isOptional ? 'read as an empty block' : `${keyword.name} is skipped`,
      hint: `write ${words.map(({ text }) => text).join(' ')} { ... }`,
    });
    return isOptional ? words : undefined;
  }
  if (takesBlock || body === undefined) return words;
  const joined = words.findIndex(({ text }, index) => index > 0 && place.table.get(text)?.kind === 'block');
  diagnostics.add('unexpected-block', 'error', joined > 0 ? words[joined]! : body.open, {
    message:
      joined > 0 ? `${words[joined]!.text} is read as a word of ${keyword.name}` : `${keyword.name} takes no block`,
    inEffect: joined > 0 ? `${words[joined]!.text} and its block are skipped` : 'the block is skipped',
    hint: joined > 0 ? `one line holds one statement: put ${words[joined]!.text} on a line of its own` : undefined,
  });
  return joined > 0 ? words.slice(0, joined) : words;
}

function canonicalName(keyword: Keyword, table: KeywordTable): string {
  if (keyword.aliasOf !== undefined) return keyword.aliasOf;
  if (keyword.replacedBy !== undefined && table.has(keyword.replacedBy)) return keyword.replacedBy;
  return keyword.name;
}

function fallback(keyword: Keyword, hasEarlier: boolean): string {
  if (keyword.kind === 'block') return `this ${keyword.name} is skipped`;
  if (hasEarlier) return 'the earlier value stays';
  if (keyword.default === undefined) return 'the statement is ignored';
  const unit = typeof keyword.default === 'number' && keyword.args[0]?.type === 'seconds' ? ' s' : '';
  return `the statement is ignored; default: ${keyword.default}${unit}`;
}

function reportUnknown(statement: Statement, token: Token, place: BlockPlace, diagnostics: DiagnosticList): void {
  const near = nearest(token.text, place.table.keys());
  const elsewhere = near === undefined ? [...(keywordPlaces.get(token.text) ?? [])].slice(0, 3) : [];
  const isCheck = place.name === 'real_server' && near !== undefined && place.table.get(near)?.kind === 'block';
  const where = place.name === undefined ? 'outside any block' : `in ${place.name}`;
  diagnostics.add('unknown-keyword', 'error', token, {
    message: `${JSON.stringify(token.text)} is no keyword ${where}`,
    inEffect: `${statement.body === undefined ? 'the line is skipped' : 'its whole block is skipped'}${isCheck ? '; this check does not run' : ''}`,
    hint:
      near !== undefined
        ? `did you mean ${near}?`
        : elsewhere.length > 0
          ? `it belongs ${elsewhere.map((block) => (block === '' ? 'outside any block' : `in ${block}`)).join(' or ')}`
          : undefined,
  });
}
