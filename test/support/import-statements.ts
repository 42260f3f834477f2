/**
 * Finds what a TypeScript source imports: static, type-only, re-exported, dynamic, and types by `import('...')`. A small
 * scanner of its own, because the compiler has no interface for this: it knows comments, strings, templates and regular
 * expressions, so that an import is only what the compiler would take for one.
 */
export interface ImportStatement {
  /** What stands between the quotes; undefined for a dynamic import of something that is worked out. */
  readonly specifier: string | undefined;
  readonly kind: 'static' | 'dynamic';
  /** From 1. */
  readonly line: number;
}

type Token =
  | { readonly kind: 'word' | 'punctuation'; readonly text: string; readonly line: number }
  | { readonly kind: 'string'; readonly text: string; readonly line: number };

export function findImports(source: string): ImportStatement[] {
  const tokens = tokenize(source);
  const imports: ImportStatement[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== 'word' || isProperty(tokens, i)) continue;
    const next = tokens[i + 1];
    if (token.text === 'import') {
      if (next?.kind === 'punctuation' && next.text === '(') {
        const argument = tokens[i + 2];
        const after = tokens[i + 3];
        const isLiteral = argument?.kind === 'string' && (after?.text === ')' || after?.text === ',');
        imports.push({ specifier: isLiteral ? argument.text : undefined, kind: 'dynamic', line: token.line });
      } else if (next?.kind === 'string') {
        imports.push({ specifier: next.text, kind: 'static', line: token.line });
      } else if (next?.text !== '.') {
        pushFrom(imports, tokens, i);
      }
    } else if (token.text === 'export' && (next?.text === '*' || next?.text === '{' || next?.text === 'type')) {
      pushFrom(imports, tokens, i);
    } else if ((token.text === 'require' || token.text === 'createRequire') && next?.text === '(') {
      const argument = tokens[i + 2];
      if (token.text === 'require') {
        const specifier = argument?.kind === 'string' ? argument.text : undefined;
        imports.push({ specifier, kind: 'dynamic', line: token.line });
      } else {
        // createRequire(import.meta.url)('koffi')
        const call = tokens
          .slice(i + 2, i + 12)
          .findIndex(({ text }, j, rest) => text === ')' && rest[j + 1]?.text === '(');
        const loaded = call < 0 ? undefined : tokens[i + 2 + call + 2];
        if (loaded?.kind === 'string') imports.push({ specifier: loaded.text, kind: 'dynamic', line: token.line });
      }
    }
  }
  return imports;
}

/** `import a, { type b } from 'x'`, `export * as a from 'x'`: to the next `from` with a string, within the clause. */
function pushFrom(imports: ImportStatement[], tokens: readonly Token[], start: number): void {
  for (let i = start + 1; i < tokens.length; i++) {
    const token = tokens[i]!;
    const next = tokens[i + 1];
    if (token.kind === 'word' && token.text === 'from' && next?.kind === 'string') {
      imports.push({ specifier: next.text, kind: 'static', line: tokens[start]!.line });
      return;
    }
    if (token.kind === 'string' && tokens[i - 1]?.text === '(' && tokens[i - 2]?.text === 'require') {
      return; // import x = require('...'): found by its require
    }
    // An import clause has names, commas, braces and stars only; `export type A = ...` is none.
    const inClause = token.kind === 'word' || (token.kind === 'punctuation' && '{},*'.includes(token.text));
    if (!inClause && token.kind !== 'string') return;
    if (token.kind === 'word' && (token.text === 'import' || token.text === 'export')) return;
  }
}

/** `a.import`, `{ import: 1 }`: a name, not the keyword. */
function isProperty(tokens: readonly Token[], i: number): boolean {
  const before = tokens[i - 1];
  return (before?.kind === 'punctuation' && before.text === '.') || tokens[i + 1]?.text === ':';
}

const wordsBeforeRegex = new Set(
  'return typeof instanceof in of new delete void throw case do else yield await'.split(' '),
);

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  /** For each open `${`: how many braces are open inside. */
  const templates: number[] = [];
  let at = 0;
  let line = 1;

  const countLines = (text: string): void => {
    for (const char of text) if (char === '\n') line++;
  };
  /** Moves over what `pattern` (sticky) finds here and gives it. */
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  /** After the opening backtick or the brace that ends a substitution: to the next substitution or the end. */
  const takeTemplate = (): void => {
    const text = take(/(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)?/y) ?? '';
    countLines(text);
    if (text.endsWith('${')) templates.push(0);
  };
  const regexMayFollow = (): boolean => {
    const before = tokens.at(-1);
    if (before === undefined) return true;
    if (before.kind === 'word') return wordsBeforeRegex.has(before.text);
    return before.kind === 'punctuation' && !')]}'.includes(before.text);
  };

  while (at < source.length) {
    const skipped = take(/(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y);
    if (skipped !== undefined) {
      countLines(skipped);
      continue;
    }
    const char = source[at]!;
    const startLine = line;
    if (char === "'" || char === '"') {
      const text = take(char === "'" ? /'(?:[^'\\\n]|\\[\s\S])*'?/y : /"(?:[^"\\\n]|\\[\s\S])*"?/y)!;
      countLines(text);
      tokens.push({ kind: 'string', text: text.slice(1, -1), line: startLine });
    } else if (char === '`') {
      at++;
      const plain = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*`/y;
      plain.lastIndex = at;
      const whole = plain.exec(source)?.[0];
      // import(`x`) is as good as a string.
      if (whole !== undefined) tokens.push({ kind: 'string', text: whole.slice(0, -1), line: startLine });
      else tokens.push({ kind: 'punctuation', text: '`', line: startLine });
      takeTemplate();
    } else if (char === '/' && regexMayFollow()) {
      take(/\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y) ?? at++;
      tokens.push({ kind: 'punctuation', text: ')', line: startLine }); // like any value that ends
    } else {
      const word = take(/[\p{ID_Start}$_#][\p{ID_Continue}$]*/uy) ?? take(/[0-9][\w.]*/y);
      if (word !== undefined) {
        tokens.push({ kind: 'word', text: word, line: startLine });
        continue;
      }
      at++;
      if (templates.length > 0 && char === '{') templates[templates.length - 1]!++;
      if (templates.length > 0 && char === '}' && templates[templates.length - 1]!-- === 0) {
        templates.pop();
        takeTemplate();
        tokens.push({ kind: 'punctuation', text: ')', line: startLine });
        continue;
      }
      tokens.push({ kind: 'punctuation', text: char, line: startLine });
    }
  }
  return tokens;
}
