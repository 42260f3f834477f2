/** The keywords that stand outside any block: the root of the vocabulary. */
import { bfdInstance } from './bfd.ts';
import { globalDefs } from './global-defs.ts';
import {
  block,
  flag,
  type Keyword,
  type KeywordTable,
  optional,
  other,
  path,
  setting,
  table,
  text,
  uint,
  valueBlock,
} from './keyword.ts';
import { trackFileKeywords } from './track-file.ts';
import { virtualServer } from './virtual-server.ts';
import { vrrpKeywords } from './vrrp.ts';

export const rootTable: KeywordTable = table([
  flag('linkbeat_use_polling', { default: 'off', status: 'without-effect', inEffect: 'no VRRP in this version' }),
  setting('net_namespace', [text('name')], {
    repeat: 'first',
    default: 'none',
    inEffect: 'the network namespace is the one that the program was started in',
  }),
  setting('net_namespace_ipvs', [optional(text('name'))], {
    repeat: 'first',
    default: 'the namespace of the process',
    inEffect: 'the network namespace is the one that the program was started in',
  }),
  flag('namespace_with_ipsets', {
    default: 'off',
    status: 'without-effect',
    inEffect: 'no ipsets are used in this version',
  }),
  flag('use_pid_dir', { default: 'off', inEffect: 'pid files keep their place' }),
  setting('instance', [text('name')], { repeat: 'first', default: 'none', inEffect: 'pid files keep their names' }),
  setting('child_wait_time', [uint('secs')], { default: 5, inEffect: 'stopping does not wait longer for it' }),
  globalDefs,
  ...vrrpKeywords,
  block('SSL', [], { inEffect: 'no SSL_GET in this version' }, [
    setting('password', [text('pw')], { default: 'none' }),
    setting('ca', [path('file')], { default: 'none' }),
    setting('certificate', [path('file')], { default: 'none' }),
    setting('key', [path('file')], { default: 'none' }),
  ]),
  valueBlock('virtual_server_group', [text('name'), other('entries', 'addresses and marks')], {
    repeat: 'each',
    inEffect: 'no virtual server groups in this version',
  }),
  virtualServer,
  bfdInstance,
  ...trackFileKeywords,
]);

/** A keyword with its place: `virtual_server.real_server.weight`. */
export interface KeywordPath {
  readonly path: string;
  readonly keyword: Keyword;
}

/** Every keyword of the vocabulary, a block before its inside. */
export function allKeywords(root: KeywordTable = rootTable, prefix = ''): KeywordPath[] {
  return [...root.values()].flatMap((keyword) => {
    const path = prefix + keyword.name;
    const inside = keyword.table === undefined ? [] : allKeywords(keyword.table, `${path}.`);
    return [{ path, keyword }, ...inside];
  });
}

/** For each keyword the blocks that it may stand in, innermost name only; the empty name is the outside. */
export const keywordPlaces: ReadonlyMap<string, ReadonlySet<string>> = collectPlaces();

function collectPlaces(): Map<string, Set<string>> {
  const places = new Map<string, Set<string>>();
  for (const { path, keyword } of allKeywords()) {
    const block = path.split('.').at(-2) ?? '';
    const known = places.get(keyword.name);
    if (known === undefined) places.set(keyword.name, new Set([block]));
    else known.add(block);
  }
  return places;
}
