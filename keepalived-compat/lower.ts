/**
 * From the syntax tree to the model: gives the keywords their meaning, fills in what is inherited and the defaults, and
 * reports what contradicts itself. The rules are keepalived's (keepalived.conf(5), virtual_server); where it quietly or
 * loudly corrects a value, the same correction is made here and reported.
 */
import { formatEndpoint } from '../lib/address/endpoint.ts';
import { type IpAddress, ipFamily, parseIpAddress } from '../lib/address/ip-address.ts';
import type { CheckerConfig } from '../lib/model/checker.ts';
import type { Configuration } from '../lib/model/configuration.ts';
import type {
  ForwardingMethod,
  Protocol,
  RealServer,
  SorryServer,
  VirtualServer,
} from '../lib/model/virtual-server.ts';
import type { Duration } from '../lib/time/duration.ts';
import { argument, BlockContents, readBlock, type Setting } from './block-reader.ts';
import type { DiagnosticList } from './diagnostic-list.ts';
import type { Keyword } from './keywords/keyword.ts';
import { rootTable } from './keywords/root.ts';
import { sourceOf } from './line-reader.ts';
import { type CheckInheritance, lowerChecker } from './lower-checker.ts';
import { lowerServerGroups } from './lower-server-group.ts';
import { lowerVrrp } from './lower-vrrp.ts';
import type { Statement, SyntaxTree, Token } from './syntax-tree.ts';

/** What persistence_timeout means without a number, and what a service without a port gets. */
const defaultPersistenceS = 360;

const forwardingMethods: Readonly<Record<string, ForwardingMethod>> = { NAT: 'nat', DR: 'dr', TUN: 'tun' };

export function lowerTree(tree: SyntaxTree, diagnostics: DiagnosticList): Configuration {
  const root = readBlock(
    withoutGroupsAndMarks(tree.statements, diagnostics),
    { table: rootTable, name: undefined, notCarriedOut: 'report-and-read' },
    diagnostics,
  );
  // Several blocks say together what one would say.
  const globals = new BlockContents();
  for (const block of root.all('global_defs')) {
    const place = { table: block.keyword.table!, name: 'global_defs', notCarriedOut: 'report-and-read' } as const;
    for (const setting of readBlock(inside(block), place, diagnostics).settings()) globals.add(setting);
  }
  const routerId = globals.text('router_id');
  const virtualServers: VirtualServer[] = [];
  const seen = new Map<string, Token>();
  for (const block of root.all('virtual_server')) {
    const server = lowerVirtualServer(block, diagnostics);
    if (server === undefined) continue;
    const key = `${formatEndpoint(server)}/${server.protocol}`;
    const first = seen.get(key);
    if (first !== undefined) {
      // Differs: keepalived takes both, and the kernel then has one service with the real servers of both.
      diagnostics.add('duplicate-virtual-server', 'error', block.token, {
        message: `virtual server ${key} is defined a second time`,
        inEffect: 'the first one counts, this one is skipped with its real servers',
        hint: 'put all its real servers into one block',
        related: [{ at: first, message: 'first here' }],
      });
      continue;
    }
    seen.set(key, block.token);
    virtualServers.push(server);
  }
  const groups = lowerServerGroups(root, diagnostics.advisory());
  const vrrp = lowerVrrp(root, globals, diagnostics.advisory());
  return {
    ...(routerId === undefined ? {} : { routerId }),
    virtualServers,
    ...(groups.length === 0 ? {} : { virtualServerGroups: groups }),
    ...(vrrp === undefined ? {} : { vrrp }),
  };
}

/** Takes out the virtual servers that are no address, which the table cannot tell from the others. */
function withoutGroupsAndMarks(statements: readonly Statement[], diagnostics: DiagnosticList): readonly Statement[] {
  return statements.filter(({ words }) => {
    const kind = words[1]?.text;
    if (words[0]?.text !== 'virtual_server' || (kind !== 'group' && kind !== 'fwmark')) return true;
    diagnostics.add('keyword-not-supported', 'warning', words[1], {
      message: `virtual_server ${kind} is not supported in this version`,
      inEffect: `virtual_server ${kind} ${words[2]?.text ?? ''} is skipped with its real servers`.replace('  ', ' '),
    });
    return false;
  });
}

function lowerVirtualServer(block: Setting, diagnostics: DiagnosticList): VirtualServer | undefined {
  const target = argument(block, 'target')!.value as string;
  const address = readTarget(block, target, diagnostics);
  if (address === undefined) return undefined;
  const contents = readBlock(inside(block), { table: block.keyword.table!, name: 'virtual_server' }, diagnostics);
  const port = (argument(block, 'port')?.value as number | undefined) ?? 0;
  const place: ServicePlace = {
    block,
    address,
    port,
    protocol: lowerProtocol(block, contents, diagnostics),
    forwarding: lowerForwarding(block, contents, diagnostics),
  };
  const scheduler = contents.text('lb_algo') ?? missing(block, contents, 'lb_algo', 'wlc', 'wlc', diagnostics);
  const realServers = lowerRealServers(place, contents, diagnostics);
  const sorryServer = lowerSorryServer(place, contents, diagnostics);
  if (realServers.length === 0) {
    const wereWritten = contents.has('real_server') || contents.wasRefused('real_server');
    diagnostics.add('no-real-servers', 'error', block.token, {
      message: wereWritten ? `no real server of ${target} can be used` : `virtual server ${target} has no real server`,
      inEffect: 'the virtual server is skipped',
    });
    return undefined;
  }
  if (realServers.every(({ weight }) => weight === 0)) {
    diagnostics.add('setting-conflict', 'warning', block.token, {
      message: `all real servers of ${target} have weight 0`,
      inEffect:
        sorryServer === undefined ? 'none of them gets new connections' : 'the sorry server serves all the time',
    });
  }
  const { quorum, hysteresis } = lowerQuorum(contents, realServers, diagnostics);
  return {
    address,
    port,
    protocol: place.protocol,
    scheduler,
    persistenceTimeoutS: lowerPersistence(place, contents, diagnostics),
    onePacket: lowerOnePacket(place, contents, diagnostics),
    quorum,
    hysteresis,
    ...(sorryServer === undefined ? {} : { sorryServer }),
    realServers,
    source: sourceOf(block.token),
  };
}

/** What the parts of a virtual server need to know of it. */
interface ServicePlace {
  readonly block: Setting;
  readonly address: IpAddress;
  readonly port: number;
  readonly protocol: Protocol;
  /** The method that applies at one place of the block: a later lb_kind does not reach back. */
  readonly forwarding: (order: number) => ForwardingMethod;
}

function readTarget(block: Setting, target: string, diagnostics: DiagnosticList): IpAddress | undefined {
  const address = parseIpAddress(target);
  if (address === undefined) {
    diagnostics.add('invalid-value', 'error', argument(block, 'target')!.token, {
      message: 'virtual_server takes an IPv4 or IPv6 address, fwmark or group',
      inEffect: 'this virtual_server is skipped with its real servers',
    });
  }
  return address;
}

function lowerProtocol(block: Setting, contents: BlockContents, diagnostics: DiagnosticList): Protocol {
  const written = contents.text('protocol');
  if (written !== undefined) return written.toLowerCase() as Protocol;
  return missing(block, contents, 'protocol', 'udp', 'UDP', diagnostics, 'TCP');
}

function lowerForwarding(
  block: Setting,
  contents: BlockContents,
  diagnostics: DiagnosticList,
): ServicePlace['forwarding'] {
  const settings = contents.all('lb_kind');
  for (const setting of settings) warnAboutTunnel(setting, diagnostics);
  const last = settings.at(-1);
  if (last === undefined) {
    const method = missing<ForwardingMethod>(block, contents, 'lb_kind', 'nat', 'NAT', diagnostics);
    return () => method;
  }
  return (order) => methodOf(settings.findLast((setting) => setting.order < order) ?? last);
}

function methodOf(setting: Setting): ForwardingMethod {
  return forwardingMethods[argument(setting, 'method')!.value as string]!;
}

/** Other tunnels than IPIP are not carried out. */
function warnAboutTunnel(setting: Setting, diagnostics: DiagnosticList): void {
  const type = argument(setting, 'type');
  if (type === undefined || type.value === 'ipip') return;
  diagnostics.add('keyword-not-supported', 'warning', type.token, {
    message: `${type.value} tunnels are not supported in this version`,
    inEffect: 'packets are sent in plain IPIP',
  });
}

/** Reports a setting that keepalived wants to see written, unless it was written and refused. */
function missing<T>(
  block: Setting,
  contents: BlockContents,
  name: string,
  value: T,
  shown: string,
  diagnostics: DiagnosticList,
  suggestion: string = shown,
): T {
  if (!contents.wasRefused(name)) {
    diagnostics.add('missing-setting', 'warning', block.token, {
      message: `${name} is not set in this virtual_server`,
      inEffect: `using ${shown}`,
      hint: `write ${name} ${suggestion}`,
    });
  }
  return value;
}

function lowerPersistence(place: ServicePlace, contents: BlockContents, diagnostics: DiagnosticList): number {
  const setting = contents.last('persistence_timeout');
  if (setting !== undefined) return (argument(setting, 'secs')?.value as number | undefined) ?? defaultPersistenceS;
  if (place.port !== 0) return 0;
  diagnostics.add('value-adjusted', 'error', place.block.token, {
    message: 'a virtual server without a port must be persistent',
    inEffect: `using persistence_timeout ${defaultPersistenceS}`,
    hint: 'write the port, or persistence_timeout',
  });
  return defaultPersistenceS;
}

function lowerOnePacket(place: ServicePlace, contents: BlockContents, diagnostics: DiagnosticList): boolean {
  const setting = contents.last('ops');
  if (setting === undefined) return false;
  if (place.protocol === 'udp') return true;
  diagnostics.add('setting-conflict', 'error', setting.token, {
    message: 'ops needs protocol UDP',
    inEffect: 'ops is ignored',
  });
  return false;
}

/** The same corrections as keepalived makes: a quorum that can never be reached would keep the service down for ever. */
function lowerQuorum(
  contents: BlockContents,
  realServers: readonly RealServer[],
  diagnostics: DiagnosticList,
): { readonly quorum: number; readonly hysteresis: number } {
  const total = realServers.reduce((sum, { weight }) => sum + weight, 0);
  let quorum = contents.number('quorum') ?? 1;
  if (quorum > total && total > 0 && contents.has('quorum')) {
    diagnostics.add('value-adjusted', 'error', contents.last('quorum')!.token, {
      message: `quorum ${quorum} is more than the weights of all real servers together`,
      inEffect: `using ${total}`,
    });
    quorum = total;
  }
  let hysteresis = contents.number('hysteresis') ?? 0;
  if (hysteresis >= quorum) {
    if (contents.has('hysteresis')) {
      diagnostics.add('value-adjusted', 'error', contents.last('hysteresis')!.token, {
        message: `hysteresis ${hysteresis} is not less than quorum ${quorum}`,
        inEffect: `using ${quorum - 1}`,
      });
    }
    hysteresis = quorum - 1;
  }
  return { quorum, hysteresis };
}

function lowerSorryServer(
  place: ServicePlace,
  contents: BlockContents,
  diagnostics: DiagnosticList,
): SorryServer | undefined {
  const setting = contents.last('sorry_server');
  for (const name of ['sorry_server_inhibit', 'sorry_server_lvs_method']) {
    const option = contents.last(name);
    if (option !== undefined && (setting === undefined || option.order < setting.order)) {
      if (setting === undefined && contents.wasRefused('sorry_server')) continue;
      diagnostics.add('out-of-order', 'error', option.token, {
        message: `${name} must come after sorry_server`,
        inEffect: `${name} is ignored`,
      });
    }
  }
  if (setting === undefined) return undefined;
  const after = (name: string): Setting | undefined => {
    const option = contents.last(name);
    return option !== undefined && option.order > setting.order ? option : undefined;
  };
  const method = after('sorry_server_lvs_method');
  if (method !== undefined) warnAboutTunnel(method, diagnostics);
  const forwarding = method === undefined ? place.forwarding(setting.order) : methodOf(method);
  const address = argument(setting, 'addr')!.value as IpAddress;
  if (!familyFits(place, address, forwarding)) {
    reportFamily(place, setting, 'the sorry server is skipped', diagnostics);
    return undefined;
  }
  return {
    address,
    port: lowerPort(place, setting, forwarding, diagnostics),
    weight: 1,
    forwarding,
    inhibit: after('sorry_server_inhibit') !== undefined,
    source: sourceOf(setting.token),
  };
}

function lowerRealServers(place: ServicePlace, contents: BlockContents, diagnostics: DiagnosticList): RealServer[] {
  const servers: RealServer[] = [];
  const seen = new Map<string, Token>();
  const inherited: CheckInheritance = { ...checkSettings(contents), alpha: contents.has('alpha') };
  const defaults: RealServerDefaults = {
    weight: contents.number('weight') ?? 1,
    inhibitOnFailure: contents.has('inhibit_on_failure'),
    inherited,
  };
  for (const block of contents.all('real_server')) {
    const server = lowerRealServer(place, block, defaults, diagnostics);
    if (server === undefined) continue;
    const key = formatEndpoint(server);
    const first = seen.get(key);
    if (first !== undefined) {
      diagnostics.add('duplicate-real-server', 'error', block.token, {
        message: `real server ${key} is defined a second time in this virtual_server`,
        inEffect: 'the first one counts',
        related: [{ at: first, message: 'first here' }],
      });
      continue;
    }
    seen.set(key, block.token);
    servers.push(server);
  }
  return servers;
}

interface RealServerDefaults {
  readonly weight: number;
  readonly inhibitOnFailure: boolean;
  readonly inherited: CheckInheritance;
}

function lowerRealServer(
  place: ServicePlace,
  block: Setting,
  defaults: RealServerDefaults,
  diagnostics: DiagnosticList,
): RealServer | undefined {
  const address = argument(block, 'addr')!.value as IpAddress;
  const unsupported: { keyword: Keyword; token: Token }[] = [];
  const contents = readBlock(
    inside(block),
    {
      table: block.keyword.table!,
      name: 'real_server',
      unsupportedBlock: (keyword, statement) => unsupported.push({ keyword, token: statement.words[0]! }),
    },
    diagnostics,
  );
  const method = contents.last('lvs_method');
  if (method !== undefined) warnAboutTunnel(method, diagnostics);
  const forwarding = method === undefined ? place.forwarding(block.order) : methodOf(method);
  if (!familyFits(place, address, forwarding)) {
    reportFamily(place, block, 'the real server is skipped', diagnostics);
    return undefined;
  }
  const port = lowerPort(place, block, forwarding, diagnostics);
  const own = checkSettings(contents);
  const { inherited } = defaults;
  const inheritance: CheckInheritance = {
    retry: own.retry ?? inherited.retry,
    delayBeforeRetry: own.delayBeforeRetry ?? inherited.delayBeforeRetry,
    warmup: own.warmup ?? inherited.warmup,
    connectTimeout: own.connectTimeout ?? inherited.connectTimeout,
    delayLoop: own.delayLoop ?? inherited.delayLoop,
    virtualHost: own.virtualHost ?? inherited.virtualHost,
    alpha: contents.switch('alpha') ?? inherited.alpha,
  };
  const checkers: CheckerConfig[] = [];
  // Of the blocks that a real server may hold only the supported checkers get this far.
  for (const checker of contents.blocks()) {
    const lowered = lowerChecker(checker, inside(checker), { address, port, ...inheritance }, diagnostics);
    if (lowered !== undefined) checkers.push(lowered);
  }
  for (const { keyword, token } of unsupported) {
    diagnostics.add('checker-not-supported', 'warning', token, {
      message: `${keyword.name} is not supported in this version`,
      inEffect:
        checkers.length > 0
          ? 'this check does not run; the other checkers decide'
          : `this check does not run; ${formatEndpoint({ address, port })} is always considered up`,
    });
  }
  return {
    address,
    port,
    weight: contents.number('weight') ?? defaults.weight,
    forwarding,
    uthreshold: contents.number('uthreshold') ?? 0,
    lthreshold: contents.number('lthreshold') ?? 0,
    inhibitOnFailure: contents.switch('inhibit_on_failure') ?? defaults.inhibitOnFailure,
    checkers,
    source: sourceOf(block.token),
  };
}

/** What a virtual server or a real server says about its checkers. */
function checkSettings(contents: BlockContents): Omit<CheckInheritance, 'alpha'> {
  return {
    retry: contents.number('retry'),
    delayBeforeRetry: contents.number('delay_before_retry') as Duration | undefined,
    warmup: contents.number('warmup') as Duration | undefined,
    connectTimeout: contents.number('connect_timeout') as Duration | undefined,
    delayLoop: contents.number('delay_loop') as Duration | undefined,
    virtualHost: contents.text('virtualhost'),
  };
}

/** Only a tunnel can carry packets of one family to a server of the other. */
function familyFits(place: ServicePlace, address: IpAddress, forwarding: ForwardingMethod): boolean {
  return forwarding === 'tun' || ipFamily(address) === ipFamily(place.address);
}

function reportFamily(place: ServicePlace, server: Setting, inEffect: string, diagnostics: DiagnosticList): void {
  const { value, token } = argument(server, 'addr')!;
  diagnostics.add('address-family', 'error', token, {
    message: `${value} is not of the family of the virtual server ${place.address}`,
    inEffect,
    hint: 'only lb_kind TUN can join the two families',
  });
}

/**
 * The port of a real server or a sorry server. Without NAT the kernel does not rewrite ports.
 *
 * Differs: a port that is not written is the virtual server's here. keepalived enters 0, which the kernel takes for the
 * same, and then checks port 0.
 */
function lowerPort(
  place: ServicePlace,
  server: Setting,
  forwarding: ForwardingMethod,
  diagnostics: DiagnosticList,
): number {
  const written = argument(server, 'port');
  const port = written === undefined || written.value === 0 ? place.port : (written.value as number);
  if (forwarding === 'nat' || port === place.port) return port;
  diagnostics.add('value-adjusted', 'warning', written?.token ?? server.token, {
    message: `only NAT can send to another port than that of the virtual server (${place.port})`,
    inEffect: `using port ${place.port}`,
  });
  return place.port;
}

function inside(block: Setting): readonly Statement[] {
  return block.statement.body?.statements ?? [];
}
