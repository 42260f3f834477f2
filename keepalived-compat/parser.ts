/**
 * From text to blocks. Reads the main file and its includes line by line, in this order for each line: condition,
 * definition, use of definitions, include, words, braces. What comes out is the tree of statements; whether a word is a
 * keyword is not asked here, except for a hint where braces do not match.
 *
 * Differs: keepalived goes on after a brace too many or too few, and then reads some keywords as those of another
 * block. Here that is fatal: which block the rest belongs to would be a guess, and a wrong guess takes servers away.
 */
import { posix } from 'node:path';
import { findBlockWithoutBody, findMisplacedKeyword } from './brace-hints.ts';
import { conditionHolds } from './conditionals.ts';
import { type BuiltIns, Definitions, expandAndLex, expandText } from './definitions.ts';
import { DiagnosticList } from './diagnostic-list.ts';
import { type FileText, findIncludes, type ReadFile, readFromMemory } from './includes.ts';
import { lexLine, maxLineBytes, splitDefinition } from './lexer.ts';
import { readRepetition } from './repetitions.ts';
import type { SourceFile, SourceLine, Statement, SyntaxTree, Token } from './syntax-tree.ts';

/** Bounds on what one configuration may bring in. */
const maxFileBytes = 64 * 1024 * 1024;
const maxTotalLength = 128 * 1024 * 1024;
const maxFiles = 4096;
const maxIncludeDepth = 32;
const maxRepetitions = 200_000;
/** Cost of all definitions that are used, as expandAndLex counts it: about two seconds. */
const maxExpansionCost = 400_000_000;
/** No keyword stands deeper than 5 blocks. */
const maxNesting = 64;

export interface ParseOptions {
  /** Path of the main file, as the reader takes it. */
  readonly file: string;
  readonly read: ReadFile;
  /** What `@ID` is compared with and `_INSTANCE` gives; keepalived takes the host name up to the first dot. */
  readonly configId?: string;
  /** For `${_ENV NAME}`; default empty. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** For `${_RANDOM}`: from 0 up to and excluding 1; default Math.random. */
  readonly random?: () => number;
}

/** The tree of a configuration. Everything that is wrong goes to `diagnostics`; nothing is thrown. */
export function parseFiles(options: ParseOptions, diagnostics: DiagnosticList): SyntaxTree {
  const reading = new Reading(options, diagnostics);
  return reading.run();
}

/** The tree of one text, for tests and tools; includes find nothing. */
export function parseText(text: string, file = 'keepalived.conf'): SyntaxTree {
  return parseFiles({ file, read: readFromMemory({ [file]: text }) }, new DiagnosticList());
}

const noTokens: readonly Token[] = [];

/** A definition whose value goes on in the next line. */
interface OpenDefinition {
  readonly name: string;
  readonly place: Token;
  readonly lines: string[];
  /** In a line that a condition excludes. */
  readonly excluded: boolean;
}

class Reading {
  readonly #options: ParseOptions;
  readonly #diagnostics: DiagnosticList;
  readonly #definitions = new Definitions();
  readonly #files: SourceFile[] = [];
  readonly #path: string[] = [];
  readonly #blocks: BlockBuilder;
  #totalLength = 0;
  #repetitions = 0;
  #expansionCost = 0;

  constructor(options: ParseOptions, diagnostics: DiagnosticList) {
    this.#options = options;
    this.#diagnostics = diagnostics;
    this.#blocks = new BlockBuilder(diagnostics);
  }

  run(): SyntaxTree {
    const { file, read } = this.#options;
    const content = read.text(file, maxFileBytes);
    if (content.kind === 'text') {
      this.#readText(file, content.text, undefined);
    } else {
      const hint = content.kind === 'executable' ? `make it a plain file: chmod -x ${file}` : undefined;
      this.#diagnostics.add('file-unreadable', 'fatal', undefined, { message: `${file} ${whyUnread(content)}`, hint });
    }
    return { files: this.#files, statements: this.#blocks.finish() };
  }

  #readText(path: string, text: string, includedBy: Token | undefined): void {
    const lines: SourceLine[] = [];
    const file: SourceFile = includedBy === undefined ? { path, text, lines } : { path, text, lines, includedBy };
    this.#files.push(file);
    this.#path.push(path);
    this.#totalLength += text.length;
    const hasNul = text.includes('\0');
    let definition: OpenDefinition | undefined;
    for (let start = 0, number = 1; start <= text.length; number++) {
      const feed = text.indexOf('\n', start);
      const end = feed < 0 ? text.length : feed;
      const tokens: Token[] = [];
      const line: { -readonly [K in keyof SourceLine]: SourceLine[K] } = { file, number, start, end, tokens: noTokens };
      lines.push(line);
      if (this.#isReadable(line, tokens, hasNul)) definition = this.#readLine(line, tokens, definition);
      // A copy has just the size it needs; a list that grew has room for 16 more. Most of the memory is in these.
      if (tokens.length > 0) line.tokens = tokens.slice();
      start = end + 1;
    }
    if (definition !== undefined) {
      this.#diagnostics.add('unfinished-definition', 'warning', definition.place, {
        message: `the definition of $${definition.name} ends in a backslash at the end of the file`,
        inEffect: 'the lines so far are its value',
      });
      this.#finishDefinition(definition);
    }
    this.#path.pop();
  }

  /** Reads one line into `tokens`, the list of the line itself. Gives the definition that goes on in the next one. */
  #readLine(line: SourceLine, tokens: Token[], definition: OpenDefinition | undefined): OpenDefinition | undefined {
    const { file, start, end } = line;
    if (definition !== undefined) return this.#continueDefinition(line, tokens, definition);

    const lexed = lexLine(tokens, line, file.text, start, end);
    let first = 0;
    let excluded = false;
    if (tokens[0]?.kind === 'condition') {
      first = 1;
      excluded = !conditionHolds(tokens[0].text, this.#options.configId ?? '');
    }
    const token = tokens[first];
    if (token?.kind === 'definition') {
      const { name, value } = splitDefinition(token.text)!;
      return this.#addToDefinition({ name, place: token, lines: [], excluded }, value);
    }
    if (excluded || token === undefined) return undefined;

    if (token.kind === 'repetition') this.#repeat(tokens, first);
    else if (lexed.hasDollar) this.#readExpanded(line, token.start);
    else this.#readTokens(tokens, first, lexed.unterminated);
    return undefined;
  }

  #isReadable(line: SourceLine, tokens: Token[], mayHaveNul: boolean): boolean {
    const { file, start, end } = line;
    const length = end - start;
    // A UTF-16 unit is at most three bytes of UTF-8.
    const tooLong = length * 3 > maxLineBytes && Buffer.byteLength(file.text.slice(start, end)) > maxLineBytes;
    const nul = mayHaveNul ? file.text.slice(start, end).indexOf('\0') : -1;
    if (!tooLong && nul < 0) return true;
    const whole: Token = { kind: 'dropped', text: '', line, start, end };
    tokens.push(whole);
    if (tooLong) {
      this.#diagnostics.add('line-too-long', 'error', whole, {
        message: `the line is longer than ${maxLineBytes} bytes`,
        inEffect: 'the line is skipped',
        hint: 'put one statement on a line',
      });
    } else {
      this.#diagnostics.add(
        'nul-byte',
        'error',
        { ...whole, start: start + nul, end: start + nul + 1 },
        {
          message: 'the line contains a NUL byte',
          inEffect: 'the line is skipped',
        },
      );
    }
    return false;
  }

  #continueDefinition(line: SourceLine, tokens: Token[], definition: OpenDefinition): OpenDefinition | undefined {
    const { file, start, end } = line;
    let from = start;
    while (from < end && /\s/.test(file.text[from]!)) from++;
    const text = file.text.slice(from, end).trimEnd();
    if (text === '') return definition;
    tokens.push({ kind: 'definition', text, line, start: from, end: from + text.length });
    return this.#addToDefinition(definition, text);
  }

  /** Adds one line of the value; when it does not go on, the definition is in force. */
  #addToDefinition(definition: OpenDefinition, value: string): OpenDefinition | undefined {
    const goesOn = value.endsWith('\\');
    const text = goesOn ? value.slice(0, -1).trimEnd() : value;
    if (text !== '' || !goesOn) definition.lines.push(text);
    if (goesOn) return definition;
    this.#finishDefinition(definition);
    return undefined;
  }

  #finishDefinition({ name, lines, place, excluded }: OpenDefinition): void {
    if (!excluded) this.#definitions.define(name, lines.length === 0 ? [''] : lines, place);
  }

  /** A line that begins with `~SEQ` or `~LST`; several of them nest, the first one outermost. */
  #repeat(tokens: readonly Token[], at: number): void {
    const token = tokens[at]!;
    const rest = tokens[at + 1];
    if (rest === undefined || rest.kind === 'comment') return;
    const repetition = readRepetition(expandText(token, this.#definitions, this.#builtIns(token.line)));
    if ('problem' in repetition) {
      this.#diagnostics.add('invalid-repetition', 'error', token, {
        message: `${token.text.slice(0, 4)}: ${repetition.problem}`,
        inEffect: 'the line is skipped',
      });
      return;
    }
    for (const row of repetition.rows) {
      if (++this.#repetitions > maxRepetitions) {
        if (this.#repetitions > maxRepetitions + 1) return;
        this.#diagnostics.add('invalid-repetition', 'error', token, {
          message: `lines are repeated more than ${maxRepetitions} times in all`,
          inEffect: 'the rest is skipped',
        });
        return;
      }
      repetition.names.forEach((name, index) => {
        this.#definitions.define(name, [row[index]!], token);
      });
      if (rest.kind === 'repetition') this.#repeat(tokens, at + 1);
      else this.#readExpanded(token.line, rest.start);
    }
  }

  /** A line that uses definitions. */
  #readExpanded(line: SourceLine, from: number): void {
    if (this.#expansionCost > maxExpansionCost) return;
    const expanded = expandAndLex(line, from, this.#definitions, this.#builtIns(line));
    this.#expansionCost += expanded.cost;
    let usable = true;
    if (this.#expansionCost > maxExpansionCost) {
      usable = false;
      this.#diagnostics.add(
        'definition-limit',
        'fatal',
        { kind: 'word', text: '', line, start: from, end: line.end },
        {
          message: 'definitions are used more than any configuration needs',
        },
      );
    }
    for (const problem of expanded.problems) {
      const at: Token = { kind: 'word', text: '', line, ...problem.at };
      if (problem.kind === 'undefined') {
        // `$NAME` may well be meant as it stands, in a password for example; `${NAME}` hardly ever is.
        this.#diagnostics.add('undefined-definition', problem.braces ? 'error' : 'info', at, {
          message: `${problem.name} is not defined`,
          inEffect: 'the text stays as it is',
          hint: `define it before its use: $${problem.name}=value`,
        });
      } else if (problem.kind === 'multi-line-not-last') {
        this.#diagnostics.add('multi-line-definition', 'error', at, {
          message: `${problem.name} has several lines and can stand only at the end of a line`,
          inEffect: 'the text stays as it is',
          related: [{ at: problem.place, message: 'defined here' }],
        });
      } else {
        usable = false;
        this.#diagnostics.add('definition-limit', 'error', at, {
          message: `${problem.name} grows without end, or beyond 65,536 characters`,
          inEffect: 'the line is skipped',
        });
      }
    }
    if (!usable) return;
    expanded.lines.forEach((tokens, index) => {
      const unterminated = index === 0 ? expanded.unterminated : undefined;
      this.#readTokens(tokens, 0, unterminated);
    });
  }

  #builtIns(line: SourceLine): BuiltIns {
    return {
      directory: posix.dirname(line.file.path),
      configId: this.#options.configId ?? '',
      environment: this.#options.environment ?? {},
      random: this.#options.random ?? Math.random,
    };
  }

  /** The words and braces of one line. */
  #readTokens(tokens: readonly Token[], first: number, unterminated: Token | undefined): void {
    const blocks = this.#blocks;
    if (unterminated !== undefined) {
      this.#diagnostics.add('unterminated-quote', 'error', unterminated, {
        message: 'the double quote is not closed on this line',
        inEffect: 'the statement is skipped',
      });
    }
    for (let i = first; i < tokens.length; i++) {
      const token = tokens[i]!;
      switch (token.kind) {
        case 'word':
        case 'quoted':
          if (token === unterminated) blocks.damaged();
          blocks.word(token);
          break;
        case 'open':
          blocks.open(token);
          break;
        case 'close':
          blocks.close(token);
          break;
        case 'include':
          this.#include(token, tokens[i + 1]?.kind === 'pattern' ? tokens[++i] : undefined);
          break;
        case 'repetition':
          // Out of a definition.
          this.#diagnostics.add('invalid-repetition', 'error', token, {
            message: `${token.text.slice(0, 4)} does not work in the value of a definition`,
            inEffect: 'the line is skipped',
            hint: 'write it on the line itself',
          });
          return;
        default:
          break;
      }
    }
    blocks.endStatement();
  }

  #include(keyword: Token, pattern: Token | undefined): void {
    const diagnostics = this.#diagnostics;
    if (pattern === undefined) {
      diagnostics.add('missing-argument', 'error', keyword, {
        message: `${keyword.text} needs the name of a file`,
        inEffect: 'nothing is included',
      });
      return;
    }
    const { read } = this.#options;
    const checks = includeChecks(keyword.text);
    const directory = posix.dirname(keyword.line.file.path);
    const { paths, missing, hasWildcard } = findIncludes(read, pattern.text, directory);
    const nothing = paths.length === 0;
    const isFatal =
      (nothing && hasWildcard && checks.wildcards) ||
      (nothing && !hasWildcard && checks.missing) ||
      (missing.length > 0 && !hasWildcard && checks.alternatives && pattern.text.includes('{'));
    if (isFatal || (nothing && !hasWildcard)) {
      const quoted = pattern.text.startsWith('"') ? 'quotes count as part of the name here' : undefined;
      diagnostics.add(isFatal ? 'include-failed' : 'include-missing', isFatal ? 'fatal' : 'warning', pattern, {
        message: `there is no file ${nothing ? pattern.text : missing.join(', ')}`,
        inEffect: isFatal ? undefined : 'nothing is included',
        hint: quoted,
      });
    }
    for (const path of paths) {
      if (this.#path.includes(path) || this.#path.length > maxIncludeDepth || this.#files.length >= maxFiles) {
        const cause = this.#path.includes(path) ? `${path} includes itself` : 'includes go too deep';
        const message = this.#files.length >= maxFiles ? `more than ${maxFiles} files are included` : cause;
        diagnostics.add('include-limit', 'error', pattern, { message, inEffect: `${path} is skipped here` });
        if (this.#files.length >= maxFiles) return;
        continue;
      }
      const content = read.text(path, Math.min(maxFileBytes, maxTotalLength - this.#totalLength));
      if (content.kind === 'text') {
        this.#readText(path, content.text, pattern);
      } else if (checks.readable) {
        diagnostics.add('include-failed', 'fatal', pattern, { message: `${path} ${whyUnread(content)}` });
      } else {
        diagnostics.add('include-skipped', 'warning', pattern, {
          message: `${path} ${whyUnread(content)}`,
          inEffect: 'it is skipped',
          hint: content.kind === 'executable' ? `make it a plain file: chmod -x ${path}` : undefined,
        });
      }
    }
  }
}

/** What is checked by each form of include; see the table in includes.ts. */
function includeChecks(keyword: string): {
  readonly readable: boolean;
  readonly missing: boolean;
  readonly wildcards: boolean;
  readonly alternatives: boolean;
} {
  const suffix = keyword.slice('include'.length);
  return {
    readable: suffix !== '',
    missing: suffix === 'm' || suffix === 'w' || suffix === 'a',
    wildcards: suffix === 'w' || suffix === 'a',
    alternatives: suffix === 'b' || suffix === 'a',
  };
}

function whyUnread(content: Exclude<FileText, { kind: 'text' }>): string {
  switch (content.kind) {
    case 'missing':
      return 'does not exist';
    case 'directory':
      return 'is a directory';
    case 'not-regular':
      return 'is not a regular file';
    case 'executable':
      return 'is executable, which a configuration file must not be';
    case 'too-large':
      return 'is too large for a configuration file';
    case 'unreadable':
      return `cannot be read: ${content.reason}`;
  }
}

interface OpenBlock {
  readonly open: Token;
  readonly body: { open: Token; close?: Token; statements: Statement[] };
}

/** Puts words and braces together. A `{` may follow its keyword on the same line or on a later one. */
class BlockBuilder {
  readonly #diagnostics: DiagnosticList;
  readonly #root: Statement[] = [];
  readonly #stack: OpenBlock[] = [];
  #words: Token[] = [];
  #damaged = false;
  /** Open blocks beyond the bound; they are counted and not kept. */
  #tooDeep = 0;
  #reportedDepth = false;

  constructor(diagnostics: DiagnosticList) {
    this.#diagnostics = diagnostics;
  }

  word(token: Token): void {
    this.#words.push(token);
  }

  /** The words being collected cannot be trusted: the statement and its block are left out. */
  damaged(): void {
    this.#damaged = true;
  }

  endStatement(): void {
    if (this.#words.length > 0) {
      // A damaged statement keeps its place, so that a brace on the next line is taken for its block.
      if (this.#tooDeep === 0) this.#siblings().push({ words: this.#damaged ? noTokens : this.#words.slice() });
      this.#words = [];
    }
    this.#damaged = false;
  }

  open(token: Token): void {
    if (this.#tooDeep > 0 || this.#stack.length >= maxNesting) {
      if (!this.#reportedDepth) {
        this.#reportedDepth = true;
        this.#diagnostics.add('nesting-too-deep', 'error', token, {
          message: `blocks are nested more than ${maxNesting} deep`,
          inEffect: 'the block is skipped',
        });
      }
      this.#tooDeep++;
      this.#words = [];
      this.#damaged = false;
      return;
    }
    const siblings = this.#siblings();
    const body: OpenBlock['body'] = { open: token, statements: [] };
    if (this.#damaged) {
      // Read for its braces only.
    } else if (this.#words.length > 0) {
      siblings.push({ words: this.#words.slice(), body });
    } else {
      const previous = siblings.at(-1);
      if (previous !== undefined && previous.body === undefined) {
        siblings[siblings.length - 1] = { words: previous.words, body };
      } else {
        this.#diagnostics.add('unexpected-brace', 'error', token, {
          message: 'no keyword stands before this brace',
          inEffect: 'the block is skipped',
        });
      }
    }
    this.#words = [];
    this.#damaged = false;
    this.#stack.push({ open: token, body });
  }

  close(token: Token): void {
    this.endStatement();
    if (this.#tooDeep > 0) {
      this.#tooDeep--;
      return;
    }
    const block = this.#stack.pop();
    if (block !== undefined) {
      block.body.close = token;
      return;
    }
    // One superfluous brace makes more of them; the first one is where to look.
    if (this.#diagnostics.hasFatal) return;
    const suspect = findBlockWithoutBody(this.#root);
    this.#diagnostics.add('unbalanced-brace', 'fatal', token, {
      message: 'this brace closes nothing',
      hint: 'a block above ends earlier than meant, or this brace is one too many',
      related: suspect === undefined ? [] : [{ at: suspect, message: 'perhaps a { is missing here' }],
    });
  }

  finish(): Statement[] {
    this.endStatement();
    const outermost = this.#stack[0];
    if (outermost !== undefined) {
      const suspect = findMisplacedKeyword(this.#root);
      this.#diagnostics.add('unbalanced-brace', 'fatal', outermost.open, {
        message:
          this.#stack.length === 1
            ? 'the block that this brace opens is not closed'
            : `${this.#stack.length} blocks from this brace on are not closed`,
        hint: 'look for a missing } in it',
        related: suspect === undefined ? [] : [{ at: suspect, message: 'perhaps a } is missing before this' }],
      });
    }
    return this.#root;
  }

  #siblings(): Statement[] {
    return this.#stack.at(-1)?.body.statements ?? this.#root;
  }
}
