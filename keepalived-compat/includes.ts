/**
 * `include` and its stricter forms. Which files a pattern names is worked out here, over a reader that is passed in;
 * nothing in this folder opens a file.
 *
 * | keyword | a problem that stops the program |
 * | --- | --- |
 * | include | none; what cannot be read is skipped |
 * | includer | a directory, an unreadable or an executable file |
 * | includem | as includer, and a named file that is missing |
 * | includew | as includem, and a wildcard that matches nothing |
 * | includeb | as includer, and a `{a,b}` of which not all exist |
 * | includea | all of these |
 */
import { posix } from 'node:path';

/** Gives the text of files and the names in directories. Synchronous: the configuration is read before anything runs. */
export interface ReadFile {
  /** What stands at `path`. Must not read more than `maxBytes`. */
  text(path: string, maxBytes: number): FileText;
  /** The names in a directory in any order, without `.` and `..`; undefined when it cannot be listed. */
  names(directory: string): readonly string[] | undefined;
}

/** keepalived reads regular files that nobody may execute; everything else is a reason. */
export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'missing' | 'directory' | 'not-regular' | 'executable' | 'too-large' }
  /** `reason` is the system's answer: `EACCES (permission denied)`. */
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Alternatives that one pattern may have, and files that it may match. */
const maxAlternatives = 256;
const maxMatches = 4096;

export interface IncludeMatch {
  /** Readable candidates in the order of reading. */
  readonly paths: readonly string[];
  /** The pattern, or an alternative of it, that named nothing. */
  readonly missing: readonly string[];
  readonly hasWildcard: boolean;
}

/** The files that a pattern names, relative to the directory of the including file. Names are sorted. */
export function findIncludes(read: ReadFile, pattern: string, directory: string): IncludeMatch {
  const alternatives = expandBraces(pattern);
  const paths: string[] = [];
  const missing: string[] = [];
  for (const alternative of alternatives) {
    const path = posix.isAbsolute(alternative) ? alternative : posix.join(directory, alternative);
    const found = isWildcard(alternative) ? glob(read, path) : exists(read, path) ? [path] : [];
    if (found.length === 0) missing.push(alternative);
    paths.push(...found.slice(0, maxMatches - paths.length));
  }
  return { paths, missing, hasWildcard: isWildcard(pattern) };
}

/** A reader over texts in memory, for tests and for programs that have the text already. */
export function readFromMemory(files: Readonly<Record<string, string | FileText>>): ReadFile {
  return {
    text(path, maxBytes) {
      if (!Object.hasOwn(files, path)) return { kind: 'missing' };
      const entry = files[path]!;
      if (typeof entry !== 'string') return entry;
      return entry.length > maxBytes ? { kind: 'too-large' } : { kind: 'text', text: entry };
    },
    names(directory) {
      const prefix = directory === '.' ? '' : directory === '/' ? '/' : `${directory}/`;
      const below = Object.keys(files).filter((path) => path.startsWith(prefix));
      return [...new Set(below.map((path) => path.slice(prefix.length).split('/')[0]!))];
    },
  };
}

function exists(read: ReadFile, path: string): boolean {
  // A name that is not there is the only thing a directory listing cannot tell apart from one that is; ask the reader.
  return read.text(path, 0).kind !== 'missing';
}

function isWildcard(pattern: string): boolean {
  return /[*?[]/.test(pattern);
}

/** `a{b,c}d` gives `abd`, `acd`; nested braces too; an unbalanced brace stands for itself. */
export function expandBraces(pattern: string): string[] {
  const results: string[] = [];
  const pending = [pattern];
  while (pending.length > 0 && results.length < maxAlternatives) {
    const current = pending.shift()!;
    const parts = firstBraces(current);
    if (parts === undefined || pending.length >= maxAlternatives) results.push(current);
    else pending.unshift(...parts.options.map((option) => parts.before + option + parts.after));
  }
  return results;
}

function firstBraces(pattern: string): { before: string; options: string[]; after: string } | undefined {
  const open = pattern.indexOf('{');
  if (open < 0) return undefined;
  let depth = 0;
  let optionStart = open + 1;
  const options: string[] = [];
  for (let i = open; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '{') depth++;
    else if ((char === ',' && depth === 1) || (char === '}' && depth === 1)) {
      options.push(pattern.slice(optionStart, i));
      optionStart = i + 1;
      if (char === '}') return { before: pattern.slice(0, open), options, after: pattern.slice(i + 1) };
    } else if (char === '}') depth--;
  }
  return undefined;
}

/** glob(7): `*`, `?` and `[...]` match within one name; a leading dot is matched only by a dot. */
function glob(read: ReadFile, path: string): string[] {
  const absolute = posix.isAbsolute(path);
  let found = [absolute ? '/' : '.'];
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  parts.forEach((part, index) => {
    const isFile = index === parts.length - 1;
    const next: string[] = [];
    for (const directory of found) {
      const join = (name: string): string => posix.join(directory, name);
      if (!isWildcard(part)) {
        if (!isFile || exists(read, join(part))) next.push(join(part));
        continue;
      }
      const names = [...(read.names(directory) ?? [])].sort();
      for (const name of names) {
        if (matchesName(part, name) && (!name.startsWith('.') || part.startsWith('.'))) next.push(join(name));
        if (next.length >= maxMatches) break;
      }
    }
    found = next;
  });
  return found;
}

/** Whether a name matches a pattern of `*`, `?` and `[...]`; in time proportional to the product of the lengths. */
export function matchesName(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (n < name.length) {
    const item = p < pattern.length ? patternItem(pattern, p) : undefined;
    if (item?.kind === 'star') {
      starAt = p;
      resumeAt = n;
      p++;
    } else if (item !== undefined && item.kind === 'one' && item.accepts(name[n]!)) {
      p += item.length;
      n++;
    } else if (starAt >= 0) {
      p = starAt + 1;
      n = ++resumeAt;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

type PatternItem =
  | { readonly kind: 'star' }
  | { readonly kind: 'one'; readonly length: number; readonly accepts: (char: string) => boolean };

function patternItem(pattern: string, at: number): PatternItem {
  const char = pattern[at]!;
  if (char === '*') return { kind: 'star' };
  if (char === '?') return { kind: 'one', length: 1, accepts: () => true };
  const literal: PatternItem = { kind: 'one', length: 1, accepts: (other) => other === char };
  if (char !== '[') return literal;
  const negated = pattern[at + 1] === '!' || pattern[at + 1] === '^';
  const first = at + (negated ? 2 : 1);
  // A `]` right after the opening stands for itself.
  const close = pattern.indexOf(']', first + 1);
  if (close < 0) return literal;
  const set = pattern.slice(first, close);
  const accepts = (other: string): boolean => {
    for (let i = 0; i < set.length; i++) {
      if (set[i + 1] === '-' && i + 2 < set.length) {
        if (other >= set[i]! && other <= set[i + 2]!) return !negated;
        i += 2;
      } else if (set[i] === other) return !negated;
    }
    return negated;
  };
  return { kind: 'one', length: close + 1 - at, accepts };
}
