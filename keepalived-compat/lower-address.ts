/** The lines of virtual_ipaddress, virtual_ipaddress_excluded and static_ipaddress. */
import { type IpAddress, ipFamily } from '../lib/address/ip-address.ts';
import type { AddressFlag, VirtualAddress } from '../lib/model/virtual-address.ts';
import type { Setting } from './block-reader.ts';
import type { DiagnosticList } from './diagnostic-list.ts';
import { LineReader, linesOf, parseNetwork, sourceOf } from './line-reader.ts';
import { nearest } from './nearest.ts';
import type { Token } from './syntax-tree.ts';

const flags: ReadonlyMap<string, AddressFlag> = new Map([
  ['home', 'home'],
  ['-nodad', 'nodad'],
  ['mngtmpaddr', 'mngtmpaddr'],
  ['noprefixroute', 'noprefixroute'],
  ['autojoin', 'autojoin'],
]);

const ipv4Only: ReadonlySet<string> = new Set(['scope', 'broadcast', 'brd', 'label']);

const options = ['dev', 'scope', 'broadcast', 'brd', 'label', 'peer', 'no_track', 'preferred_lft'];
const virtualOptions = [...options, 'use_vmac', ...flags.keys()];
const staticOptions = [...options, 'track_group', ...flags.keys()];

const longestLabel = 15;
const longestLifetimeS = 4_294_967_294;

/** The addresses of one block; a line that cannot be used is reported and left out. */
export function lowerAddresses(block: Setting, diagnostics: DiagnosticList): VirtualAddress[] {
  return linesOf(block, diagnostics).flatMap((words) => {
    const address = lowerAddress(words, block.name === 'static_ipaddress', diagnostics);
    return address === undefined ? [] : [address];
  });
}

type Draft = { -readonly [Key in keyof VirtualAddress]: VirtualAddress[Key] } & { flags: AddressFlag[] };

function lowerAddress(
  words: readonly Token[],
  isStatic: boolean,
  diagnostics: DiagnosticList,
): VirtualAddress | undefined {
  const line = new LineReader(words, 'the option is ignored', diagnostics);
  const first = line.next()!;
  const network = parseNetwork(first.text);
  if (network === undefined) {
    line.refuse(first, 'an IPv4 or IPv6 address stands here, with or without /PREFIX', 'the line is skipped');
    return undefined;
  }
  const draft: Draft = { ...network, flags: [], track: true, useVmac: false, source: sourceOf(first) };
  for (let option = line.next(); option !== undefined; option = line.next()) {
    readOption(option, line, draft, isStatic, diagnostics);
  }
  if (draft.peer !== undefined && draft.broadcast !== undefined) {
    diagnostics.add('setting-conflict', 'error', first, {
      message: 'a point-to-point address has no broadcast address',
      inEffect: 'broadcast is ignored',
    });
    delete draft.broadcast;
  }
  if (draft.trackGroup !== undefined && draft.interface === undefined) {
    diagnostics.add('setting-without-effect', 'error', first, {
      message: 'track_group needs dev',
      inEffect: 'track_group is ignored',
    });
    delete draft.trackGroup;
  }
  // An address that only serves packets to itself must not become the source of others (RFC 3484 section 5).
  if (ipFamily(draft.address) === 6 && draft.prefixLength === 128) draft.preferredLifetimeS ??= 0;
  return draft;
}

function readOption(
  option: Token,
  line: LineReader,
  draft: Draft,
  isStatic: boolean,
  diagnostics: DiagnosticList,
): void {
  const family = ipFamily(draft.address);
  const valid = isStatic ? staticOptions : virtualOptions;
  if (!valid.includes(option.text)) {
    const near = nearest(option.text, valid);
    diagnostics.add('unknown-keyword', 'error', option, {
      message: `${JSON.stringify(option.text)} is no option of ${isStatic ? 'a static' : 'a virtual'} address`,
      inEffect: 'the word is ignored, the address stays',
      hint: near === undefined ? undefined : `did you mean ${near}?`,
    });
    return;
  }
  if (family === 6 && ipv4Only.has(option.text)) {
    line.argument(option, 'a value');
    diagnostics.add('address-family', 'error', option, {
      message: `${option.text} is for IPv4 addresses only`,
      inEffect: 'the option is ignored',
    });
    return;
  }
  const flag = flags.get(option.text);
  if (flag !== undefined) {
    if (!draft.flags.includes(flag)) draft.flags.push(flag);
    return;
  }
  switch (option.text) {
    case 'dev':
      readInterface(option, line, draft, diagnostics);
      return;
    case 'scope': {
      const scope = line.argument(option, 'a scope');
      if (scope !== undefined) draft.scope = scope.text;
      return;
    }
    case 'broadcast':
    case 'brd':
      readBroadcast(option, line, draft);
      return;
    case 'label': {
      const label = line.argument(option, 'a label');
      if (label === undefined) return;
      if (new TextEncoder().encode(label.text).length <= longestLabel) draft.label = label.text;
      else line.refuse(label, `a label has at most ${longestLabel} bytes`);
      return;
    }
    case 'peer':
      readPeer(option, line, draft);
      return;
    case 'preferred_lft':
      readLifetime(option, line, draft);
      return;
    case 'track_group': {
      const group = line.argument(option, 'the name of a track_group');
      if (group !== undefined) draft.trackGroup = group.text;
      return;
    }
    case 'no_track':
      draft.track = false;
      return;
    default:
      draft.useVmac = true;
  }
}

function readInterface(option: Token, line: LineReader, draft: Draft, diagnostics: DiagnosticList): void {
  const token = line.argument(option, 'an interface');
  if (token === undefined) return;
  if (draft.interface === undefined) draft.interface = token.text;
  else {
    diagnostics.add('repeated-keyword', 'error', option, {
      message: 'dev stands here a second time',
      inEffect: `the first one counts: ${draft.interface}`,
    });
  }
}

function readBroadcast(option: Token, line: LineReader, draft: Draft): void {
  const token = line.argument(option, 'an address, + or -');
  if (token === undefined) return;
  if (token.text === '+' || token.text === '-') draft.broadcast = token.text;
  else {
    const address = parseNetwork(token.text)?.address;
    if (address !== undefined && ipFamily(address) === 4 && !token.text.includes('/')) draft.broadcast = address;
    else line.refuse(token, `${option.text} takes an IPv4 address, + or -`);
  }
}

function readPeer(option: Token, line: LineReader, draft: Draft): void {
  const token = line.argument(option, 'an address');
  if (token === undefined) return;
  const peer: IpAddress | undefined = parseNetwork(token.text)?.address;
  if (peer === undefined || ipFamily(peer) !== ipFamily(draft.address)) {
    line.refuse(token, 'peer takes an address of the same family');
    return;
  }
  draft.peer = peer;
  draft.prefixLength = ipFamily(peer) === 4 ? 32 : 128;
}

function readLifetime(option: Token, line: LineReader, draft: Draft): void {
  if (line.peek()?.text === 'forever') {
    line.next();
    draft.preferredLifetimeS = 'forever';
    return;
  }
  const value = line.number(option, 0, longestLifetimeS);
  if (value !== undefined) draft.preferredLifetimeS = value;
}
