/** What VRRP tracks: scripts, files, processes and BFD sessions, and the track_* lines that refer to them by name. */
import { type IpAddress, ipFamily } from '../lib/address/ip-address.ts';
import type { BfdInstance } from '../lib/model/bfd-instance.ts';
import type {
  ScriptCommand,
  TrackedObject,
  TrackFile,
  Tracking,
  TrackProcess,
  VrrpScript,
} from '../lib/model/tracking.ts';
import { type Duration, milliseconds, seconds } from '../lib/time/duration.ts';
import { argument, type BlockContents, readBlock, type Setting } from './block-reader.ts';
import type { DiagnosticList } from './diagnostic-list.ts';
import { LineReader, linesOf, sourceOf } from './line-reader.ts';
import { nearest } from './nearest.ts';
import type { Token } from './syntax-tree.ts';

/** A definition that track lines name: what they inherit, and where it stands among the blocks of the file. */
export interface Definition {
  readonly weight: number;
  readonly reverse: boolean;
  readonly order: number;
}

export interface TrackedDefinitions {
  readonly scripts: readonly VrrpScript[];
  readonly trackFiles: readonly TrackFile[];
  readonly trackProcesses: readonly TrackProcess[];
  readonly bfdInstances: readonly BfdInstance[];
  /** By the keyword of the list that names them. */
  readonly byList: ReadonlyMap<string, ReadonlyMap<string, Definition>>;
}

export function readInside(block: Setting, diagnostics: DiagnosticList): BlockContents {
  const place = { table: block.keyword.table!, name: block.name, notCarriedOut: 'read' } as const;
  return readBlock(block.statement.body?.statements ?? [], place, diagnostics);
}

export function nameOf(block: Setting): string {
  return argument(block, 'name')!.value as string;
}

/** Blocks whose names are all different; a second one of a name is reported and left out. */
export function distinctBlocks(blocks: readonly Setting[], diagnostics: DiagnosticList): readonly Setting[] {
  const seen = new Map<string, Token>();
  return blocks.filter((block) => {
    const name = nameOf(block);
    const first = seen.get(name);
    if (first === undefined) {
      seen.set(name, block.token);
      return true;
    }
    diagnostics.add('setting-conflict', 'error', argument(block, 'name')!.token, {
      message: `${block.name} ${name} is defined a second time`,
      inEffect: 'the first one counts, this one is skipped',
      related: [{ at: first, message: 'first here' }],
    });
    return false;
  });
}

export function lowerDefinitions(root: BlockContents, diagnostics: DiagnosticList): TrackedDefinitions {
  const byList = new Map<string, Map<string, Definition>>();
  const collect = <T extends { readonly name: string; readonly weight: number; readonly reverse: boolean }>(
    keyword: string,
    list: string,
    lower: (block: Setting, diagnostics: DiagnosticList) => T | undefined,
  ): T[] => {
    const known = new Map<string, Definition>();
    byList.set(list, known);
    return distinctBlocks(root.all(keyword), diagnostics).flatMap((block) => {
      const one = lower(block, diagnostics);
      if (one === undefined) return [];
      known.set(one.name, { weight: one.weight, reverse: one.reverse, order: block.order });
      return [one];
    });
  };
  return {
    scripts: collect('vrrp_script', 'track_script', lowerScript),
    trackFiles: collect('track_file', 'track_file', lowerFile),
    trackProcesses: collect('vrrp_track_process', 'track_process', lowerProcess),
    bfdInstances: collect('bfd_instance', 'track_bfd', lowerBfd),
    byList,
  };
}

/** A command with the user and group that are written behind it. */
export function commandOf(setting: Setting | undefined): ScriptCommand | undefined {
  if (setting === undefined) return undefined;
  const command = argument(setting, 'cmd');
  if (command === undefined) return undefined;
  const user = argument(setting, 'user')?.value as string | undefined;
  const group = argument(setting, 'group')?.value as string | undefined;
  return {
    command: command.value as string,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
  };
}

function weightOf(contents: BlockContents, fallback: number): { readonly weight: number; readonly reverse: boolean } {
  const setting = contents.last('weight');
  const weight = setting === undefined ? fallback : (argument(setting, 'w')!.value as number);
  return { weight, reverse: setting !== undefined && argument(setting, 'option') !== undefined };
}

/** Reports a setting without which the block is of no use. */
function lacks(block: Setting, contents: BlockContents, name: string, diagnostics: DiagnosticList): void {
  if (contents.wasRefused(name)) return;
  diagnostics.add('missing-setting', 'error', block.token, {
    message: `${block.name} ${nameOf(block)} has no ${name}`,
    inEffect: `${block.name} ${nameOf(block)} is skipped`,
  });
}

function lowerScript(block: Setting, diagnostics: DiagnosticList): VrrpScript | undefined {
  const contents = readInside(block, diagnostics);
  const command = commandOf(contents.last('script'));
  if (command === undefined) {
    lacks(block, contents, 'script', diagnostics);
    return undefined;
  }
  const interval = (contents.number('interval') as Duration | undefined) ?? seconds(1);
  const userSetting = contents.last('user');
  const user = contents.text('user');
  const group = userSetting === undefined ? undefined : (argument(userSetting, 'group')?.value as string | undefined);
  return {
    name: nameOf(block),
    command: command.command,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    interval,
    timeout: (contents.number('timeout') as Duration | undefined) ?? interval,
    ...weightOf(contents, 0),
    rise: contents.number('rise') ?? 1,
    fall: contents.number('fall') ?? 1,
    initFail: contents.has('init_fail'),
    source: sourceOf(block.token),
  };
}

function lowerFile(block: Setting, diagnostics: DiagnosticList): TrackFile | undefined {
  const contents = readInside(block, diagnostics);
  const file = contents.text('file');
  if (file === undefined) {
    lacks(block, contents, 'file', diagnostics);
    return undefined;
  }
  const init = contents.last('init_file');
  return {
    name: nameOf(block),
    file,
    ...weightOf(contents, 1),
    ...(init === undefined
      ? {}
      : {
          initFile: {
            value: (argument(init, 'value')?.value as number | undefined) ?? 0,
            overwrite: argument(init, 'option') !== undefined,
          },
        }),
    source: sourceOf(block.token),
  };
}

function lowerProcess(block: Setting, diagnostics: DiagnosticList): TrackProcess | undefined {
  const contents = readInside(block, diagnostics);
  const process = contents.last('process');
  if (process === undefined) {
    lacks(block, contents, 'process', diagnostics);
    return undefined;
  }
  const match = contents.last('param_match');
  const delay = (contents.number('delay') as Duration | undefined) ?? milliseconds(0);
  const quorum = contents.number('quorum') ?? 1;
  let quorumMax = contents.number('quorum_max');
  if (quorumMax !== undefined && quorumMax < quorum && contents.has('quorum')) {
    diagnostics.add('setting-conflict', 'error', contents.last('quorum_max')!.token, {
      message: `quorum_max ${quorumMax} is less than quorum ${quorum}`,
      inEffect: 'the number of processes has no upper bound',
    });
    quorumMax = undefined;
  }
  return {
    name: nameOf(block),
    process: argument(process, 'path')!.value as string,
    parameters: process.values.flatMap(({ name, value }) => (name === 'params' ? [value as string] : [])),
    ...(match === undefined
      ? {}
      : { paramMatch: (argument(match, 'mode')?.value as TrackProcess['paramMatch']) ?? 'exact' }),
    ...weightOf(contents, 0),
    quorum,
    ...(quorumMax === undefined ? {} : { quorumMax }),
    terminateDelay: (contents.number('terminate_delay') as Duration | undefined) ?? delay,
    forkDelay: (contents.number('fork_delay') as Duration | undefined) ?? delay,
    fullCommand: contents.has('full_command'),
    source: sourceOf(block.token),
  };
}

function lowerBfd(block: Setting, diagnostics: DiagnosticList): BfdInstance | undefined {
  const contents = readInside(block, diagnostics);
  const neighborIp = contents.text('neighbor_ip') as IpAddress | undefined;
  if (neighborIp === undefined) {
    lacks(block, contents, 'neighbor_ip', diagnostics);
    return undefined;
  }
  const sourceIp = contents.text('source_ip') as IpAddress | undefined;
  if (sourceIp !== undefined && ipFamily(sourceIp) !== ipFamily(neighborIp)) {
    diagnostics.add('address-family', 'error', argument(contents.last('source_ip')!, 'addr')!.token, {
      message: `${sourceIp} is not of the family of the neighbor ${neighborIp}`,
      inEffect: `bfd_instance ${nameOf(block)} is skipped`,
    });
    return undefined;
  }
  const interval = (name: string, fallback: number): Duration => milliseconds(contents.number(name) ?? fallback);
  // Without either word both learn of a change.
  const both = !contents.has('vrrp') && !contents.has('checker');
  return {
    name: nameOf(block),
    neighborIp,
    ...(sourceIp === undefined ? {} : { sourceIp }),
    minRx: interval('min_rx', 10),
    minTx: interval('min_tx', 10),
    idleTx: interval('idle_tx', 1000),
    multiplier: contents.number('multiplier') ?? 5,
    passive: contents.has('passive'),
    ttl: contents.number('ttl') ?? (ipFamily(neighborIp) === 4 ? 255 : 64),
    maxHops: contents.number('max_hops') ?? 0,
    multihop: contents.switch('multihop') ?? false,
    ...weightOf(contents, 0),
    vrrp: both || contents.has('vrrp'),
    checker: both || contents.has('checker'),
    source: sourceOf(block.token),
  };
}

/** The track_* lists of an instance or a group that stands at `order` among the blocks of the file. */
export function lowerTracking(
  contents: BlockContents,
  order: number,
  definitions: TrackedDefinitions,
  diagnostics: DiagnosticList,
): Tracking {
  const list = (name: string): TrackedObject[] => {
    const seen = new Map<string, Token>();
    const known = definitions.byList.get(name);
    return contents
      .all(name)
      .flatMap((block) => linesOf(block, diagnostics))
      .flatMap((words) => {
        const tracked = lowerTrackLine(name, words, seen, known, order, diagnostics);
        return tracked === undefined ? [] : [tracked];
      });
  };
  return {
    interfaces: list('track_interface'),
    scripts: list('track_script'),
    files: list('track_file'),
    processes: list('track_process'),
    bfdInstances: list('track_bfd'),
  };
}

const definingKeyword: Readonly<Record<string, string>> = {
  track_script: 'vrrp_script',
  track_file: 'track_file',
  track_process: 'vrrp_track_process',
  track_bfd: 'bfd_instance',
};

function lowerTrackLine(
  list: string,
  words: readonly Token[],
  seen: Map<string, Token>,
  known: ReadonlyMap<string, Definition> | undefined,
  order: number,
  diagnostics: DiagnosticList,
): TrackedObject | undefined {
  const line = new LineReader(words, 'the option is ignored', diagnostics);
  const name = line.next()!;
  const definition = known?.get(name.text);
  if (known !== undefined && (definition === undefined || definition.order > order)) {
    const near = definition === undefined ? nearest(name.text, known.keys()) : undefined;
    const isLater = definition !== undefined;
    diagnostics.add(isLater ? 'out-of-order' : 'invalid-value', 'error', name, {
      message: isLater
        ? `${definingKeyword[list]} ${name.text} is defined only after this line`
        : `there is no ${definingKeyword[list]} ${JSON.stringify(name.text)}`,
      inEffect: 'it is not tracked',
      hint: isLater ? 'move its block up' : near === undefined ? undefined : `did you mean ${near}?`,
    });
    return undefined;
  }
  const first = seen.get(name.text);
  if (first !== undefined) {
    diagnostics.add('repeated-keyword', 'error', name, {
      message: `${name.text} is tracked already`,
      inEffect: 'the first line counts',
      related: [{ at: first, message: 'first here' }],
    });
    return undefined;
  }
  seen.set(name.text, name);
  let weight = definition?.weight ?? 0;
  let reverse = definition?.reverse ?? false;
  for (let word = line.next(); word !== undefined; word = line.next()) {
    if (word.text === 'weight') {
      const written = lowerWeight(list, word, line, diagnostics);
      if (written === undefined) continue;
      weight = written;
      reverse = false;
      if (line.peek()?.text === 'reverse') {
        line.next();
        reverse = true;
      } else if (line.peek()?.text === 'noreverse' && list !== 'track_interface') line.next();
    } else {
      diagnostics.add('unknown-keyword', 'error', word, {
        message: `${JSON.stringify(word.text)} is no option of a line of ${list}`,
        inEffect: 'the word is ignored',
        hint: 'NAME weight NUMBER [reverse]',
      });
    }
  }
  return { name: name.text, weight, reverse, source: sourceOf(name) };
}

/** The weight of a line. Interfaces and scripts reach only to 253: 254 would let no other instance be lower. */
function lowerWeight(list: string, option: Token, line: LineReader, diagnostics: DiagnosticList): number | undefined {
  const token = line.peek();
  const limit = list === 'track_bfd' ? 253 : 254;
  const weight = line.number(option, -limit, limit);
  if (weight === undefined || Math.abs(weight) !== 254 || (list !== 'track_interface' && list !== 'track_script')) {
    return weight;
  }
  const adjusted = Math.sign(weight) * 253;
  diagnostics.add('value-adjusted', 'error', token, {
    message: `the weight of a line of ${list} is at most 253`,
    inEffect: `using ${adjusted}`,
  });
  return adjusted;
}
