/** The lines of virtual_rules and static_rules: selectors and one action, in any order. */
import { ipFamily } from '../lib/address/ip-address.ts';
import type { NumberRange, RoutingRule, RuleAction } from '../lib/model/routing-rule.ts';
import type { Setting } from './block-reader.ts';
import type { DiagnosticList } from './diagnostic-list.ts';
import { LineReader, linesOf, parseNetwork, sourceOf } from './line-reader.ts';
import { nearest } from './nearest.ts';
import type { Token } from './syntax-tree.ts';

/** Old names, with the one that is read. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['lookup', 'table'],
  ['order', 'preference'],
  ['priority', 'preference'],
  ['dsfield', 'tos'],
  ['sup_pl', 'suppress_prefixlength'],
  ['sup_group', 'suppress_ifgroup'],
  ['dev', 'iif'],
]);

const maxUint = 4_294_967_295;
const skipped = 'the rule is skipped';

type Draft = { -readonly [Key in keyof RoutingRule]?: RoutingRule[Key] };

/** What one option does with the words behind it; false when they are wrong, which has been reported. */
type ReadOption = (option: Token, line: LineReader, draft: Draft) => boolean;

/** The rules of one block; a line that cannot be used is reported and left out. */
export function lowerRules(block: Setting, diagnostics: DiagnosticList): RoutingRule[] {
  const isStatic = block.name === 'static_rules';
  return linesOf(block, diagnostics).flatMap((words) => {
    const rule = lowerRule(words, isStatic, diagnostics);
    return rule === undefined ? [] : [rule];
  });
}

function lowerRule(words: readonly Token[], isStatic: boolean, diagnostics: DiagnosticList): RoutingRule | undefined {
  const line = new LineReader(words, skipped, diagnostics);
  const first = words[0]!;
  const draft: Draft = {};
  for (let option = line.next(); option !== undefined; option = line.next()) {
    const name = aliases.get(option.text) ?? option.text;
    const read = name === 'track_group' && !isStatic ? undefined : options.get(name);
    if (read === undefined) {
      const near = name === 'track_group' ? undefined : nearest(option.text, [...options.keys(), ...aliases.keys()]);
      diagnostics.add('unknown-keyword', 'error', option, {
        message: `${JSON.stringify(option.text)} is no option of ${isStatic ? 'a static' : 'a virtual'} rule`,
        inEffect: skipped,
        hint: near === undefined ? undefined : `did you mean ${near}?`,
      });
      return undefined;
    }
    if (!read(option, line, draft)) return undefined;
  }
  const { action } = draft;
  if (action === undefined) {
    diagnostics.add('missing-setting', 'error', first, {
      message: 'the rule says nothing of what happens to a packet',
      inEffect: skipped,
      hint: 'write table NAME, goto PREFERENCE, nop, blackhole, prohibit, unreachable or l3mdev',
    });
    return undefined;
  }
  return finish(first, draft, action, diagnostics);
}

/** What can be judged only with the whole line at hand. */
function finish(first: Token, draft: Draft, action: RuleAction, diagnostics: DiagnosticList): RoutingRule | undefined {
  const refuse = (message: string): undefined => {
    diagnostics.add('setting-conflict', 'error', first, { message, inEffect: skipped });
    return undefined;
  };
  const network = draft.from ?? draft.to;
  const family = draft.family ?? (network === undefined ? 4 : ipFamily(network.address));
  for (const { address } of [draft.from, draft.to].filter((one) => one !== undefined)) {
    if (ipFamily(address) !== family) return refuse(`the rule is for IPv${family}, ${address} is not`);
  }
  if (draft.realms !== undefined && (family === 6 || action.kind !== 'lookup')) {
    return refuse('realms stands only in an IPv4 rule with a table');
  }
  if (action.kind === 'goto' && draft.preference !== undefined && action.preference <= draft.preference) {
    return refuse(`goto leads only to a rule behind preference ${draft.preference}`);
  }
  if (draft.trackGroup !== undefined && draft.iif === undefined) return refuse('track_group needs iif');
  if (draft.preference === undefined) {
    diagnostics.add('missing-setting', 'error', first, {
      message: 'the rule has no preference',
      inEffect: 'one is chosen, downwards from 16384',
      hint: 'write preference NUMBER',
    });
  }
  return { ...draft, family, action, not: draft.not ?? false, track: draft.track ?? true, source: sourceOf(first) };
}

function flag(give: () => Draft): ReadOption {
  return (_option, _line, draft) => {
    Object.assign(draft, give());
    return true;
  };
}

function word(form: string, pattern: RegExp, give: (text: string) => Draft): ReadOption {
  return (option, line, draft) => {
    const token = line.argument(option, form);
    if (token === undefined) return false;
    if (!pattern.test(token.text)) {
      line.refuse(token, `${option.text} takes ${form}, not ${JSON.stringify(token.text)}`);
      return false;
    }
    Object.assign(draft, give(token.text));
    return true;
  };
}

/** Decimal, or with 0x hexadecimal, or with 0 octal, as strtoul(3) reads a number of any base. */
function parseAnyBase(text: string): number | undefined {
  const value = /^0[0-7]+$/.test(text)
    ? Number.parseInt(text, 8)
    : /^(0[xX][0-9a-fA-F]+|\d+)$/.test(text)
      ? Number(text)
      : Number.NaN;
  return value <= maxUint ? value : undefined;
}

function number(form: string, max: number, give: (value: number) => Draft): ReadOption {
  return (option, line, draft) => {
    const token = line.argument(option, form);
    if (token === undefined) return false;
    const value = parseAnyBase(token.text);
    if (value === undefined || value > max) {
      line.refuse(token, `${option.text} takes ${form}, not ${JSON.stringify(token.text)}`);
      return false;
    }
    Object.assign(draft, give(value));
    return true;
  };
}

function network(give: (value: NonNullable<RoutingRule['from']>) => Draft): ReadOption {
  return (option, line, draft) => {
    const token = line.argument(option, 'an address with or without /PREFIX');
    if (token === undefined) return false;
    const value = parseNetwork(token.text);
    if (value === undefined) {
      line.refuse(token, `${option.text} takes an address with or without /PREFIX, not ${JSON.stringify(token.text)}`);
      return false;
    }
    Object.assign(draft, give(value));
    return true;
  };
}

/** `a-b`. keepalived takes no single number here. */
function range(max: number, give: (value: NumberRange) => Draft): ReadOption {
  return (option, line, draft) => {
    const token = line.argument(option, 'a range a-b');
    if (token === undefined) return false;
    const match = /^(\d{1,10})-(\d{1,10})$/.exec(token.text);
    const value = { first: Number(match?.[1]), last: Number(match?.[2]) };
    if (match === null || value.first > value.last || value.last > max) {
      line.refuse(token, `${option.text} takes a range a-b up to ${max}, not ${JSON.stringify(token.text)}`);
      return false;
    }
    Object.assign(draft, give(value));
    return true;
  };
}

function action(kind: 'nop' | 'blackhole' | 'prohibit' | 'unreachable' | 'l3mdev'): [string, ReadOption] {
  return [kind, flag(() => ({ action: { kind } }))];
}

const any = /./;

const options: ReadonlyMap<string, ReadOption> = new Map<string, ReadOption>([
  ['inet', flag(() => ({ family: 4 }))],
  ['inet6', flag(() => ({ family: 6 }))],
  ['not', flag(() => ({ not: true }))],
  ['no_track', flag(() => ({ track: false }))],
  ['from', network((value) => ({ from: value }))],
  ['to', network((value) => ({ to: value }))],
  ['table', word('a table', any, (table) => ({ action: { kind: 'lookup', table } }))],
  ['preference', number('a number', maxUint, (value) => ({ preference: value }))],
  ['tos', word('a number or name', any, (text) => ({ tos: text }))],
  ['fwmark', readFwmark],
  ['realms', word('[SOURCE/]DESTINATION', /^[^/]+(\/[^/]+)?$/, (text) => ({ realms: text }))],
  ['suppress_prefixlength', number('a number', 128, (value) => ({ suppressPrefixlength: value }))],
  ['suppress_ifgroup', word('a group', any, (text) => ({ suppressIfgroup: text }))],
  ['iif', word('an interface', any, (text) => ({ iif: text }))],
  ['oif', word('an interface', any, (text) => ({ oif: text }))],
  ['tunnel-id', word('a number', /^\d{1,20}$/, (text) => ({ tunnelId: text }))],
  ['uidrange', range(maxUint, (value) => ({ uidrange: value }))],
  ['protocol', number('a number from 0 to 255', 255, (value) => ({ protocol: value }))],
  ['ipproto', word('a number or name', any, (text) => ({ ipproto: text }))],
  ['sport', range(65_535, (value) => ({ sport: value }))],
  ['dport', range(65_535, (value) => ({ dport: value }))],
  ['goto', number('a preference', maxUint, (preference) => ({ action: { kind: 'goto', preference } }))],
  ['type', readType],
  ['track_group', word('a track_group', any, (text) => ({ trackGroup: text }))],
  action('nop'),
  action('blackhole'),
  action('prohibit'),
  action('unreachable'),
  action('l3mdev'),
]);

function readFwmark(option: Token, line: LineReader, draft: Draft): boolean {
  const token = line.argument(option, 'MARK or MARK/MASK');
  if (token === undefined) return false;
  const [markText = '', maskText, ...more] = token.text.split('/');
  const mark = parseAnyBase(markText);
  const mask = maskText === undefined ? maxUint : parseAnyBase(maskText);
  if (mark === undefined || mask === undefined || more.length > 0) {
    line.refuse(token, `fwmark takes MARK or MARK/MASK, not ${JSON.stringify(token.text)}`);
    return false;
  }
  draft.fwmark = { mark, mask };
  return true;
}

function readType(option: Token, line: LineReader, draft: Draft): boolean {
  const token = line.argument(option, 'an action');
  if (token === undefined) return false;
  const kind = token.text;
  if (kind !== 'nop' && kind !== 'blackhole' && kind !== 'prohibit' && kind !== 'unreachable') {
    line.refuse(token, `type takes nop, blackhole, prohibit or unreachable, not ${JSON.stringify(kind)}`);
    return false;
  }
  draft.action = { kind };
  return true;
}
