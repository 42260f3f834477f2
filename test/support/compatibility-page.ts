/** Writes docs/compatibility.md out of the keyword tables and the comments marked `Differs:`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Argument, Keyword, KeywordTable, SupportStatus } from '../../keepalived-compat/keywords/keyword.ts';
import { allKeywords, rootTable } from '../../keepalived-compat/keywords/root.ts';
import { markdownCell, markdownTable } from './markdown.ts';

/** A comment marked `Differs:`, in one paragraph without its comment marks. */
export interface Deviation {
  readonly file: string;
  /** The paragraph of the same comment that stands before the mark; empty at the head of a file. */
  readonly context: string;
  /** The diagnostic that is reported right behind the comment. */
  readonly code: string | undefined;
  readonly text: string;
}

/** Every deviation of the sources under `root`, by file and place. */
export function findDeviations(root: string): Deviation[] {
  return ['keepalived-compat', 'lib', 'daemon'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .sort()
      .flatMap((name) => deviationsOf(`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8'))),
  );
}

export function deviationsOf(file: string, source: string): Deviation[] {
  return commentsOf(source).flatMap(({ text, isHead, code }) => {
    const [before, ...marked] = text.split('Differs: ');
    const context = before!
      .trim()
      .split(/\n\s*\n/)
      .at(-1)!;
    return marked.map((part, index) => ({
      file,
      code,
      context: isHead || index > 0 || /^\s*-/.test(context) ? '' : oneLine(context),
      // The paragraph ends where the comment has an empty line.
      text: oneLine(part.split(/\n\s*\n/)[0]!),
    }));
  });
}

interface Comment {
  readonly text: string;
  readonly isHead: boolean;
  readonly code: string | undefined;
}

function commentsOf(source: string): Comment[] {
  const comments: Comment[] = [];
  for (const match of source.matchAll(/\/\*\*([\s\S]*?)\*\/|(?:^[ \t]*\/\/.*\n)+/gm)) {
    const text = match[1]?.replace(/^[ \t]*\* ?/gm, '') ?? match[0].replace(/^[ \t]*\/\/ ?/gm, '');
    const [, code] = /^\s*diagnostics\.add\('([a-z-]+)'/.exec(source.slice(match.index + match[0].length)) ?? [];
    comments.push({ text, code, isHead: /^(#!.*\n)?$/.test(source.slice(0, match.index)) });
  }
  return comments;
}

function oneLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/`Differs:`/, '')
    .trim();
}

export function compatibilityPage(root: string): string {
  const rows = placesOf(rootTable, '', 'supported');
  const count = (status: SupportStatus) =>
    rows.flatMap(({ keywords }) => keywords).filter((one) => one.status === status);
  const total = allKeywords().length;
  return `# Compatibility with keepalived.conf

Generated from the keyword tables in \`keepalived-compat/keywords/\`; facts about keepalived are those of version 2.4.3.
All ${total} keywords are read. Whatever is not carried out is reported at its line when the file is read, with what is in
effect instead; \`ipvigil check FILE\` shows it without starting anything.

${markdownTable([
  ['Status', 'Keywords', 'Meaning'],
  ['supported', String(count('supported').length), 'Carried out.'],
  [
    'without effect',
    String(count('without-effect').length),
    'Read; nothing is lost by doing nothing. Reported as info.',
  ],
  [
    'not supported',
    String(count('not-supported').length),
    'What it asks for does not happen. Reported as a warning, once for the block where a whole block is skipped.',
  ],
])}

Times are in seconds unless the name of the word says otherwise. A word in \`[brackets]\` may be left out, one with \`...\`
may be repeated. A keyword that stands twice in a block counts once, the last time, unless the table says otherwise.

## Differences in behaviour

What a file that is carried out does differently here, on purpose.

${deviationList(root)}

## Keywords

${rows.map(section).join('\n\n')}
`;
}

function deviationList(root: string): string {
  return findDeviations(root)
    .map(({ file, context, code, text }) => {
      const lead = code !== undefined ? `\`${code}\`: ` : context === '' ? '' : `${markdownCell(context)} `;
      return `- ${lead}**Differs:** ${markdownCell(text)} (\`${file}\`)`;
    })
    .join('\n');
}

interface Entry {
  readonly keyword: Keyword;
  /** Its own, or that of the block it stands in where that one is not carried out. */
  readonly status: SupportStatus;
  readonly isInherited: boolean;
}

interface PlaceSection {
  /** `virtual_server.real_server`; empty outside any block. */
  readonly path: string;
  readonly keywords: readonly Entry[];
}

/** One section for each place that keywords may stand in, an outer block before its inner ones. */
function placesOf(table: KeywordTable, path: string, around: SupportStatus): PlaceSection[] {
  const keywords = [...table.values()].map((keyword) => ({
    keyword,
    status: around === 'supported' ? keyword.status : around,
    isInherited: around !== 'supported',
  }));
  const inner = keywords.flatMap(({ keyword, status }) =>
    keyword.table === undefined
      ? []
      : placesOf(keyword.table, path === '' ? keyword.name : `${path}.${keyword.name}`, status),
  );
  return [{ path, keywords }, ...inner];
}

const statusNames: Readonly<Record<SupportStatus, string>> = {
  supported: 'supported',
  'without-effect': 'without effect',
  'not-supported': 'not supported',
};

function section({ path, keywords }: PlaceSection): string {
  const prefix = path === '' ? '' : `${path}.`;
  return `### ${path === '' ? 'Outside any block' : `\`${path}\``}

${markdownTable([
  ['Keyword', 'Words', 'Range', 'Default', 'Status', 'Notes'],
  ...keywords.map(({ keyword, status, isInherited }) => [
    `\`${prefix}${keyword.name}\``,
    keyword.args.length === 0 ? '' : `\`${keyword.args.map(wordOf).join(' ').replaceAll('|', '\\|')}\``,
    markdownCell(keyword.args.map(rangeOf).filter(Boolean).join('; ')),
    markdownCell(keyword.default === undefined ? '' : String(keyword.default)),
    statusNames[status],
    markdownCell(notesOf(keyword, isInherited)),
  ]),
])}`;
}

function wordOf({ name, optional, repeats, named }: Argument): string {
  const word = `${named === true ? `${name} ` : ''}${name.toUpperCase()}${repeats === true ? ' ...' : ''}`;
  return optional === true ? `[${word}]` : word;
}

const widest = 4_294_967_295;

function rangeOf(argument: Argument): string {
  const { type, values, min, max, form, name } = argument;
  if (values !== undefined) return values.join(', ');
  if (form !== undefined) return form;
  if (type === 'bool') return 'on, true, yes, off, false, no';
  if (min === undefined && max === undefined) return '';
  const most = max === undefined || max > widest ? '' : String(max);
  const least = min === 0.000001 ? '0.000001' : String(min);
  return `${name} ${most === '' ? `at least ${least}` : `${least} to ${most}`}`;
}

function notesOf(keyword: Keyword, isInherited: boolean): string {
  const notes: string[] = [];
  if (keyword.aliasOf !== undefined) notes.push(`another spelling of ${keyword.aliasOf}`);
  if (keyword.replacedBy !== undefined) notes.push(`old name of ${keyword.replacedBy}`);
  if (keyword.kind === 'block') notes.push(keyword.bodyOptional === true ? 'block, may be left out' : 'block');
  if (keyword.kind === 'value-block') notes.push('block of free lines');
  if (keyword.repeat === 'each' && keyword.kind === 'setting') notes.push('each one counts from its place on');
  if (keyword.repeat === 'each' && keyword.kind !== 'setting') notes.push('may be repeated');
  if (keyword.repeat === 'first') notes.push('a second one is an error');
  if (isInherited) notes.push('skipped with its block');
  else if (keyword.inEffect !== undefined && keyword.status !== 'supported') {
    notes.push(`in effect instead: ${keyword.inEffect}`);
  }
  return notes.join('; ');
}
