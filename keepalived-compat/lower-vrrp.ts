/**
 * vrrp_instance and vrrp_sync_group: defaults, what is inherited from global_defs, and the corrections that keepalived
 * makes (keepalived.conf(5), VRRP instances). Each correction is reported at the word that it changes.
 */
import { type IpAddress, type IpFamily, ipAddress, ipBytes, ipFamily } from '../lib/address/ip-address.ts';
import type { VirtualAddress } from '../lib/model/virtual-address.ts';
import type {
  GarpTiming,
  UnicastPeer,
  VrrpAuthentication,
  VrrpConfig,
  VrrpHmac,
  VrrpInstance,
  VrrpNotifications,
  VrrpSyncGroup,
} from '../lib/model/vrrp-instance.ts';
import { type Duration, milliseconds, seconds } from '../lib/time/duration.ts';
import { argument, type BlockContents, type Setting } from './block-reader.ts';
import type { DiagnosticList } from './diagnostic-list.ts';
import { LineReader, linesOf, sourceOf } from './line-reader.ts';
import { lowerAddresses } from './lower-address.ts';
import { lowerRules } from './lower-rule.ts';
import {
  commandOf,
  distinctBlocks,
  lowerDefinitions,
  lowerTracking,
  nameOf,
  readInside,
  type TrackedDefinitions,
} from './lower-tracking.ts';
import { nearest } from './nearest.ts';
import type { Token } from './syntax-tree.ts';

const modelledBlocks = [
  'vrrp_instance',
  'vrrp_sync_group',
  'vrrp_script',
  'track_file',
  'vrrp_track_process',
  'bfd_instance',
  'static_ipaddress',
  'static_rules',
];

/** Addresses that fit into one advert: the count is one byte (RFC 5798 section 5.2.5). */
const maxAdvertised = 255;
const ownerPriority = 255;
const longestPasswordBytes = 8;

/** What is configured of VRRP, its tracking and BFD; undefined when the file names none of it. */
export function lowerVrrp(
  root: BlockContents,
  globals: BlockContents,
  diagnostics: DiagnosticList,
): VrrpConfig | undefined {
  if (!modelledBlocks.some((name) => root.has(name))) return undefined;
  const definitions = lowerDefinitions(root, diagnostics);
  const { scripts, trackFiles, trackProcesses, bfdInstances } = definitions;
  const instances = lowerInstances(root, { globals, definitions }, diagnostics);
  return {
    instances,
    syncGroups: lowerSyncGroups(root, instances, definitions, diagnostics),
    scripts,
    trackFiles,
    trackProcesses,
    bfdInstances,
    staticAddresses: root.all('static_ipaddress').flatMap((block) => lowerAddresses(block, diagnostics)),
    staticRules: root.all('static_rules').flatMap((block) => lowerRules(block, diagnostics)),
  };
}

interface VrrpContext {
  readonly globals: BlockContents;
  readonly definitions: TrackedDefinitions;
}

function lowerInstances(root: BlockContents, context: VrrpContext, diagnostics: DiagnosticList): VrrpInstance[] {
  const seen = new Map<string, Token>();
  return distinctBlocks(root.all('vrrp_instance'), diagnostics).flatMap((block) => {
    const contents = readInside(block, diagnostics);
    const instance = new InstanceLowering(block, contents, context, diagnostics).lower();
    if (instance === undefined) return [];
    if (instance.unicastPeers.length > 0) return [instance];
    // Two such instances would take each other's adverts for those of one virtual router.
    const key = `${instance.interface} ${instance.family} ${instance.mcastDstIp} ${instance.virtualRouterId}`;
    const vrid = contents.last('virtual_router_id')!.token;
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, vrid);
      return [instance];
    }
    diagnostics.add('setting-conflict', 'error', vrid, {
      message: `virtual_router_id ${instance.virtualRouterId} is already used on ${instance.interface ?? 'this interface'}`,
      inEffect: `vrrp_instance ${instance.name} is skipped`,
      hint: 'give each virtual router of an interface its own number',
      related: [{ at: first, message: 'first here' }],
    });
    return [];
  });
}

/** The parts of one instance, each of which needs what the ones before it found out. */
class InstanceLowering {
  readonly #block: Setting;
  readonly #contents: BlockContents;
  readonly #globals: BlockContents;
  readonly #definitions: TrackedDefinitions;
  readonly #diagnostics: DiagnosticList;

  constructor(block: Setting, contents: BlockContents, context: VrrpContext, diagnostics: DiagnosticList) {
    this.#block = block;
    this.#contents = contents;
    this.#globals = context.globals;
    this.#definitions = context.definitions;
    this.#diagnostics = diagnostics;
  }

  lower(): VrrpInstance | undefined {
    const contents = this.#contents;
    const strict = contents.switch('strict_mode') ?? this.#globals.switch('vrrp_strict') ?? false;
    const { family, advertised, excluded } = this.#lowerAddresses();
    const version = this.#lowerVersion(family);
    const isUsable = this.#checkRequired(version, strict, advertised);
    const { priority, state } = this.#lowerPriority(strict);
    const isOwner = priority === ownerPriority;
    const unicast = this.#lowerPeers(family, strict);
    const authentication = this.#lowerAuthentication(version, family, strict);
    const { nopreempt, preemptDelay } = this.#lowerPreemption(state, isOwner, strict);
    this.#checkStepDown(nopreempt);
    const authHmac = this.#lowerHmac();
    const instance: Omit<VrrpInstance, 'virtualRouterId'> = {
      name: nameOf(this.#block),
      version,
      family,
      ...optionalText('interface', contents.text('interface')),
      priority,
      // An AH sequence number must first be heard before it can be continued.
      state: authentication?.authType === 'AH' && state === 'master' ? this.#startAsBackup() : state,
      advertInt: this.#lowerAdvertInt(version),
      downTimerAdverts: this.#lowerDownTimer(strict),
      nopreempt,
      preemptDelay,
      strictMode: strict,
      accept: this.#lowerAccept(version, isOwner, strict),
      lowerPrioNoAdvert: this.#lowerSwitch(
        'lower_prio_no_advert',
        'vrrp_lower_prio_no_advert',
        strict ? true : undefined,
      ),
      higherPrioSendAdvert: this.#lowerSwitch(
        'higher_prio_send_advert',
        'vrrp_higher_prio_send_advert',
        strict ? false : undefined,
      ),
      ownerIgnoreAdverts: this.#lowerSwitch(
        'owner_ignore_adverts',
        'vrrp_owner_ignore_adverts',
        isOwner && (strict || this.#contents.has('owner_ignore_adverts')) ? true : undefined,
        'priority 255',
      ),
      skipCheckAdvAddr: this.#lowerSwitch('skip_check_adv_addr', 'vrrp_skip_check_adv_addr'),
      v3ChecksumAsV2: this.#lowerSwitch('v3_checksum_as_v2', 'v3_checksum_as_v2'),
      ...this.#lowerSource(family),
      mcastDstIp: this.#lowerGroupAddress(family),
      ...unicast,
      ...(authentication === undefined ? {} : { authentication }),
      ...(authHmac === undefined ? {} : { authHmac }),
      virtualIpaddress: advertised,
      virtualIpaddressExcluded: excluded,
      virtualRules: contents.all('virtual_rules').flatMap((block) => lowerRules(block, this.#diagnostics)),
      promoteSecondaries: contents.has('promote_secondaries'),
      dontTrackPrimary: contents.has('dont_track_primary'),
      garp: this.#lowerGarp(strict),
      tracking: lowerTracking(contents, this.#block.order, this.#definitions, this.#diagnostics),
      notifications: lowerNotifications(contents),
      source: sourceOf(this.#block.token),
    };
    const virtualRouterId = contents.number('virtual_router_id');
    return isUsable && virtualRouterId !== undefined ? { ...instance, virtualRouterId } : undefined;
  }

  /** The instance's own word, else that of global_defs; `forced` is what `reason` demands. */
  #lowerSwitch(name: string, global: string, forced?: boolean, reason = 'strict mode'): boolean {
    const written = this.#contents.switch(name);
    const value = written ?? forced ?? this.#globals.switch(global) ?? false;
    if (forced === undefined || value === forced) return value;
    this.#correct(
      name,
      `${name} ${value ? 'on' : 'off'} does not go with ${reason}`,
      `${name} is ${forced ? 'on' : 'off'}`,
    );
    return forced;
  }

  /** Reports at the setting that a value of this instance is not used as written. */
  #correct(name: string, message: string, inEffect: string): void {
    const setting = this.#contents.last(name) ?? this.#block;
    this.#diagnostics.add('value-adjusted', 'error', setting.token, { message, inEffect });
  }

  #lowerAddresses(): {
    readonly family: IpFamily;
    readonly advertised: readonly VirtualAddress[];
    readonly excluded: readonly VirtualAddress[];
  } {
    const contents = this.#contents;
    const entries = contents.all('virtual_ipaddress').flatMap((block) => lowerAddresses(block, this.#diagnostics));
    const family = this.#lowerFamily(entries[0]);
    const seen = new Set<IpAddress>();
    const advertised = entries.filter((entry) => this.#isNew(entry, seen, family));
    const excluded = contents
      .all('virtual_ipaddress_excluded')
      .flatMap((block) => lowerAddresses(block, this.#diagnostics))
      .filter((entry) => this.#isNew(entry, seen));
    if (advertised.length > maxAdvertised) {
      this.#correct(
        'virtual_ipaddress',
        `${advertised.length} addresses are more than the ${maxAdvertised} of an advert`,
        `those after the first ${maxAdvertised} are treated as virtual_ipaddress_excluded`,
      );
      excluded.unshift(...advertised.splice(maxAdvertised));
    }
    return { family, advertised, excluded };
  }

  #lowerFamily(first: VirtualAddress | undefined): IpFamily {
    if (this.#contents.has('native_ipv6')) return 6;
    const source = this.#contents.text('unicast_src_ip') ?? this.#contents.text('mcast_src_ip');
    const address = first?.address ?? (source as IpAddress | undefined);
    return address === undefined ? 4 : ipFamily(address);
  }

  #isNew({ address, source }: VirtualAddress, seen: Set<IpAddress>, family?: IpFamily): boolean {
    const span = this.#placeOf(source!);
    if (family !== undefined && ipFamily(address) !== family) {
      this.#diagnostics.add('address-family', 'error', span, {
        message: `${address} is not IPv${family}, as the other addresses of this instance are`,
        inEffect: 'the address is skipped',
        hint: 'put it into virtual_ipaddress_excluded',
      });
      return false;
    }
    if (!seen.has(address)) {
      seen.add(address);
      return true;
    }
    this.#diagnostics.add('repeated-keyword', 'error', span, {
      message: `${address} stands here a second time`,
      inEffect: 'the first one counts',
    });
    return false;
  }

  /** The word of an address line, found again by its place. */
  #placeOf({ line, column }: { readonly line: number; readonly column: number }): Token {
    for (const name of ['virtual_ipaddress', 'virtual_ipaddress_excluded']) {
      for (const block of this.#contents.all(name)) {
        for (const { words } of block.statement.body?.statements ?? []) {
          const word = words[0];
          if (word !== undefined && word.line.number === line && word.start - word.line.start + 1 === column)
            return word;
        }
      }
    }
    return this.#block.token;
  }

  #lowerVersion(family: IpFamily): 2 | 3 {
    const written = this.#contents.number('version');
    if (family === 6) {
      if (written === 2) this.#correct('version', 'IPv6 exists in VRRP version 3 only', 'using version 3');
      return 3;
    }
    return (written ?? this.#globals.number('vrrp_version') ?? 2) === 3 ? 3 : 2;
  }

  /** What keepalived cannot run without. Reports all that is missing. */
  #checkRequired(version: 2 | 3, strict: boolean, advertised: readonly VirtualAddress[]): boolean {
    const contents = this.#contents;
    let isUsable = true;
    const lacks = (name: string, hint: string): void => {
      isUsable = false;
      if (contents.wasRefused(name)) return;
      this.#diagnostics.add('missing-setting', 'error', this.#block.token, {
        message: `vrrp_instance ${nameOf(this.#block)} has no ${name}`,
        inEffect: `vrrp_instance ${nameOf(this.#block)} is skipped`,
        hint,
      });
    };
    if (!contents.has('virtual_router_id'))
      lacks('virtual_router_id', 'write virtual_router_id 51, the same on all peers');
    const isPlainUnicast = contents.has('unicast_peer') && contents.has('unicast_src_ip');
    if (!contents.has('interface') && !isPlainUnicast) lacks('interface', 'write interface eth0');
    if (advertised.length > 0 || contents.has('no_virtual_ipaddress')) return isUsable;
    if (version === 3) lacks('virtual_ipaddress', 'a version 3 advert holds at least one address');
    else {
      this.#diagnostics.add('missing-setting', strict ? 'error' : 'warning', this.#block.token, {
        message: `vrrp_instance ${nameOf(this.#block)} has no virtual_ipaddress`,
        inEffect: 'it moves no address',
        hint: 'write no_virtual_ipaddress when that is meant',
      });
    }
    return isUsable;
  }

  #lowerPriority(strict: boolean): { readonly priority: number; readonly state: 'master' | 'backup' } {
    const contents = this.#contents;
    const written = contents.text('state');
    const isRefused = contents.wasRefused('priority');
    const priority = contents.number('priority') ?? (written === 'MASTER' && !isRefused ? ownerPriority : 100);
    const isOwner = priority === ownerPriority;
    const state = written === 'MASTER' || (written === undefined && isOwner) ? 'master' : 'backup';
    const fitting = isOwner ? 'master' : 'backup';
    if (!strict || state === fitting) return { priority, state };
    this.#correct(
      'state',
      isOwner
        ? 'priority 255 belongs to the owner, who begins as MASTER'
        : 'only the owner, priority 255, begins as MASTER in strict mode',
      `using state ${fitting.toUpperCase()}`,
    );
    return { priority, state: fitting };
  }

  #startAsBackup(): 'backup' {
    this.#correct('state', 'an instance with AH cannot begin as MASTER', 'using state BACKUP');
    return 'backup';
  }

  #lowerPreemption(
    state: 'master' | 'backup',
    isOwner: boolean,
    strict: boolean,
  ): { readonly nopreempt: boolean; readonly preemptDelay: Duration } {
    const contents = this.#contents;
    let nopreempt = (contents.last('nopreempt')?.order ?? -1) > (contents.last('preempt')?.order ?? -1);
    let preemptDelay = (contents.number('preempt_delay') as Duration | undefined) ?? milliseconds(0);
    const isMaster = state === 'master';
    if (nopreempt && (isMaster || isOwner)) {
      this.#correct(
        'nopreempt',
        `nopreempt does not go with ${isOwner ? 'priority 255' : 'state MASTER'}`,
        'the instance preempts',
      );
      nopreempt = false;
    }
    if (preemptDelay > 0 && (isMaster || strict || nopreempt)) {
      const reason = isMaster ? 'state MASTER' : strict ? 'strict mode' : 'nopreempt';
      this.#correct('preempt_delay', `preempt_delay does not go with ${reason}`, 'using 0 s');
      preemptDelay = milliseconds(0);
    }
    return { nopreempt, preemptDelay };
  }

  #checkStepDown(nopreempt: boolean): void {
    const setting = this.#contents.last('timer_expired_backup');
    if (setting === undefined || nopreempt) return;
    this.#diagnostics.add('setting-without-effect', 'error', setting.token, {
      message: 'timer_expired_backup needs nopreempt',
      inEffect: 'timer_expired_backup is ignored',
    });
  }

  /** In the steps that the version's packet can express: whole seconds (RFC 3768), or 10 ms in 12 bits (RFC 5798). */
  #lowerAdvertInt(version: 2 | 3): Duration {
    const written = (this.#contents.number('advert_int') as Duration | undefined) ?? seconds(1);
    const step = version === 2 ? 1000 : 10;
    const longest = version === 2 ? 255_000 : 40_950;
    const fitting = milliseconds(Math.min(longest, Math.max(step, Math.round(written / step) * step)));
    if (fitting !== written) {
      this.#correct(
        'advert_int',
        version === 2
          ? 'version 2 sends adverts in whole seconds'
          : 'version 3 sends adverts in steps of 0.01 s, up to 40.95 s',
        `using ${fitting / 1000} s`,
      );
    }
    return fitting;
  }

  #lowerDownTimer(strict: boolean): number {
    const value = this.#contents.number('down_timer_adverts') ?? this.#globals.number('vrrp_down_timer_adverts') ?? 3;
    if (!strict || value === 3) return value;
    this.#correct('down_timer_adverts', 'strict mode waits for three adverts', 'using 3');
    return 3;
  }

  #lowerAccept(version: 2 | 3, isOwner: boolean, strict: boolean): boolean {
    const accept = this.#contents.last('accept');
    const noAccept = this.#contents.last('no_accept');
    const written =
      accept === undefined && noAccept === undefined ? undefined : (accept?.order ?? -1) > (noAccept?.order ?? -1);
    if (written === true && strict && version === 2 && !isOwner) {
      this.#correct('accept', 'in version 2 only the owner takes packets to the addresses', 'accept is off');
      return false;
    }
    return written ?? (!strict || isOwner);
  }

  #lowerSource(family: IpFamily): { readonly sourceIp?: IpAddress; readonly trackSrcIp: boolean } {
    const contents = this.#contents;
    const unicast = contents.last('unicast_src_ip');
    const setting = unicast ?? contents.last('mcast_src_ip');
    const trackSrcIp = contents.has('track_src_ip');
    const written = setting === undefined ? undefined : argument(setting, 'addr')!;
    if (written !== undefined && ipFamily(written.value as IpAddress) === family) {
      return { sourceIp: written.value as IpAddress, trackSrcIp };
    }
    if (written !== undefined) {
      this.#diagnostics.add('address-family', 'error', written.token, {
        message: `${written.value} is not IPv${family} as the instance is`,
        inEffect: 'using the first address of the interface',
      });
    } else if (trackSrcIp) {
      this.#diagnostics.add('setting-without-effect', 'info', contents.last('track_src_ip')!.token, {
        message: 'track_src_ip needs a source address',
        inEffect: 'track_src_ip is ignored',
        hint: 'write mcast_src_ip or unicast_src_ip',
      });
    }
    return { trackSrcIp: false };
  }

  #lowerGroupAddress(family: IpFamily): IpAddress {
    const standard = ipAddress(family === 4 ? '224.0.0.18' : 'ff02::12');
    const global = this.#globals.text(family === 4 ? 'vrrp_mcast_group4' : 'vrrp_mcast_group6') as
      | IpAddress
      | undefined;
    const setting = this.#contents.last('mcast_dst_ip');
    if (setting === undefined) return global ?? standard;
    const { value, token } = argument(setting, 'addr')!;
    const address = value as IpAddress;
    if (ipFamily(address) === family && isGroupAddress(address)) return address;
    this.#diagnostics.add('invalid-value', 'error', token, {
      message: `mcast_dst_ip takes ${family === 4 ? 'an IPv4 multicast address' : 'an IPv6 link-local multicast address'}, not ${address}`,
      inEffect: `using ${global ?? standard}`,
    });
    return global ?? standard;
  }

  #lowerPeers(
    family: IpFamily,
    strict: boolean,
  ): Pick<VrrpInstance, 'unicastPeers' | 'checkUnicastSrc' | 'unicastTtl'> {
    const contents = this.#contents;
    const peers: UnicastPeer[] = [];
    let hasTtl = false;
    for (const block of contents.all('unicast_peer')) {
      for (const words of linesOf(block, this.#diagnostics)) {
        const peer = this.#lowerPeer(words, family, peers);
        if (peer === undefined) continue;
        peers.push(peer);
        hasTtl ||= words.length > 1;
      }
    }
    if (strict && peers.length > 0) {
      this.#diagnostics.add('setting-conflict', 'error', contents.last('unicast_peer')!.token, {
        message: 'strict mode knows no unicast on an interface that can multicast',
        inEffect: 'the instance does not start on such an interface',
      });
    }
    let unicastTtl = contents.number('unicast_ttl');
    if (unicastTtl !== undefined && peers.length === 0) {
      this.#correct('unicast_ttl', 'unicast_ttl needs unicast_peer', 'unicast_ttl is ignored');
      unicastTtl = undefined;
    }
    return {
      unicastPeers: peers,
      checkUnicastSrc: hasTtl || contents.has('check_unicast_src') || this.#globals.has('vrrp_check_unicast_src'),
      ...(unicastTtl === undefined ? {} : { unicastTtl }),
    };
  }

  #lowerPeer(words: readonly Token[], family: IpFamily, known: readonly UnicastPeer[]): UnicastPeer | undefined {
    const line = new LineReader(words, 'the option is ignored', this.#diagnostics);
    const word = words[0]!;
    const address = new LineReader(words, 'the peer is skipped', this.#diagnostics).address(word);
    line.next();
    if (address === undefined) return undefined;
    if (ipFamily(address) !== family) {
      this.#diagnostics.add('address-family', 'error', word, {
        message: `${address} is not IPv${family} as the instance is`,
        inEffect: 'the peer is skipped',
      });
      return undefined;
    }
    if (known.some((peer) => peer.address === address)) {
      this.#diagnostics.add('repeated-keyword', 'error', word, {
        message: `the peer ${address} stands here a second time`,
        inEffect: 'the first one counts',
      });
      return undefined;
    }
    let minTtl = 0;
    let maxTtl = 255;
    for (let option = line.next(); option !== undefined; option = line.next()) {
      if (option.text === 'min_ttl') minTtl = line.number(option, 0, 255) ?? minTtl;
      else if (option.text === 'max_ttl') maxTtl = line.number(option, 0, 255) ?? maxTtl;
      else line.refuse(option, 'a peer takes min_ttl and max_ttl', 'the word is ignored');
    }
    return { address, minTtl, maxTtl };
  }

  #lowerAuthentication(version: 2 | 3, family: IpFamily, strict: boolean): VrrpAuthentication | undefined {
    const block = this.#contents.last('authentication');
    if (block === undefined) return undefined;
    const contents = readInside(block, this.#diagnostics);
    const authType = contents.text('auth_type') as VrrpAuthentication['authType'] | undefined;
    if (authType === undefined) return undefined;
    const reason =
      version === 3 || (authType === 'AH' && family === 6)
        ? 'VRRP version 3 has no authentication'
        : strict
          ? 'strict mode has no authentication'
          : undefined;
    if (reason !== undefined) {
      this.#diagnostics.add('setting-conflict', 'error', contents.last('auth_type')!.token, {
        message: reason,
        inEffect: 'adverts are sent and taken without it',
      });
      return undefined;
    }
    const authPass = this.#lowerPassword(contents);
    return { authType, ...(authPass === undefined ? {} : { authPass }) };
  }

  /** The field of the packet holds 8 bytes (RFC 2338 section 5.3.10). The password itself is never shown. */
  #lowerPassword(contents: BlockContents): string | undefined {
    const written = contents.text('auth_pass');
    if (written === undefined) return undefined;
    const bytes = new TextEncoder().encode(written);
    if (bytes.length <= longestPasswordBytes) return written;
    this.#diagnostics.add('value-adjusted', 'error', contents.last('auth_pass')!.token, {
      message: `auth_pass has ${bytes.length} bytes, an advert has room for ${longestPasswordBytes}`,
      inEffect: `using the first ${longestPasswordBytes} bytes`,
    });
    return new TextDecoder().decode(bytes.subarray(0, longestPasswordBytes));
  }

  #lowerHmac(): VrrpHmac | undefined {
    const block = this.#contents.last('auth_hmac');
    if (block === undefined) return undefined;
    const contents = readInside(block, this.#diagnostics);
    const keys = new Map<number, { readonly value: string; readonly token: Token }>();
    for (const setting of contents.all('key')) {
      const id = argument(setting, 'id')!;
      const first = keys.get(id.value as number);
      if (first === undefined) {
        keys.set(id.value as number, { value: argument(setting, 'value')!.value as string, token: setting.token });
        continue;
      }
      this.#diagnostics.add('setting-conflict', 'error', id.token, {
        message: `key ${id.value} is defined a second time`,
        inEffect: 'the first one counts',
        related: [{ at: first.token, message: 'first here' }],
      });
    }
    const activeKey = contents.number('active_key');
    if (activeKey === undefined || !keys.has(activeKey)) {
      if (activeKey === undefined && contents.wasRefused('active_key')) return undefined;
      this.#diagnostics.add('missing-setting', 'error', contents.last('active_key')?.token ?? block.token, {
        message: activeKey === undefined ? 'auth_hmac has no active_key' : `there is no key ${activeKey}`,
        inEffect: 'adverts are sent and taken without the authenticated trailer',
      });
      return undefined;
    }
    const advertMs = (this.#contents.number('advert_int') as Duration | undefined) ?? seconds(1);
    const windowS = contents.number('time_window') ?? Math.min(300, Math.max(5, (3 * advertMs) / 1000));
    return {
      keys: [...keys].map(([id, { value }]) => ({ id, value })),
      activeKey,
      timeWindow: seconds(windowS),
      antiReplay: (contents.text('anti_replay') as VrrpHmac['antiReplay'] | undefined) ?? 'time',
      mode: (contents.text('mode') as VrrpHmac['mode'] | undefined) ?? 'enforce',
    };
  }

  #lowerGarp(strict: boolean): GarpTiming {
    const value = (name: string, fallback: number): number =>
      this.#contents.number(name) ?? this.#globals.number(`vrrp_${name}`) ?? fallback;
    const atLeastOne = (name: string, fallback: number): number => {
      const written = value(name, fallback);
      if (written > 0) return written;
      this.#correct(name, `${name} must be at least 1`, 'using 1');
      return 1;
    };
    const masterDelay = value('garp_master_delay', 5);
    const masterRepeat = atLeastOne('garp_master_repeat', 5);
    const lower = (name: string, fallback: number): number => {
      const written = this.#contents.number(name) ?? (strict ? 0 : value(name, fallback));
      if (!strict || written === 0) return written;
      this.#correct(name, `strict mode has no announcements after an advert of lower priority`, 'using 0');
      return 0;
    };
    return {
      masterDelay: seconds(masterDelay),
      masterRepeat,
      masterRefresh: seconds(value('garp_master_refresh', 0)),
      masterRefreshRepeat: atLeastOne('garp_master_refresh_repeat', 1),
      lowerPrioDelay: seconds(lower('garp_lower_prio_delay', masterDelay)),
      lowerPrioRepeat: lower('garp_lower_prio_repeat', masterRepeat),
    };
  }
}

/** 224.0.0.0/4, or ff02::/16 in any of its forms. */
function isGroupAddress(address: IpAddress): boolean {
  const bytes = ipBytes(address);
  return bytes.length === 4 ? (bytes[0]! & 0xf0) === 0xe0 : bytes[0] === 0xff && (bytes[1]! & 0x0f) === 2;
}

function optionalText<Name extends string>(name: Name, value: string | undefined): { readonly [Key in Name]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: string };
}

function lowerNotifications(contents: BlockContents): VrrpNotifications {
  const notifications: { -readonly [Key in keyof VrrpNotifications]: VrrpNotifications[Key] } = {};
  const keywords = {
    notifyMaster: 'notify_master',
    notifyBackup: 'notify_backup',
    notifyFault: 'notify_fault',
    notifyStop: 'notify_stop',
    notifyMasterRxLowerPri: 'notify_master_rx_lower_pri',
    notify: 'notify',
  } as const;
  for (const name of Object.keys(keywords) as (keyof VrrpNotifications)[]) {
    const command = commandOf(contents.last(keywords[name]));
    if (command !== undefined) notifications[name] = command;
  }
  return notifications;
}

function lowerSyncGroups(
  root: BlockContents,
  instances: readonly VrrpInstance[],
  definitions: TrackedDefinitions,
  diagnostics: DiagnosticList,
): VrrpSyncGroup[] {
  const names = new Set(instances.map(({ name }) => name));
  // A member that was written and could not be used has been reported already.
  const written = new Set(root.all('vrrp_instance').map(nameOf));
  const taken = new Map<string, Token>();
  return distinctBlocks(root.all('vrrp_sync_group'), diagnostics).flatMap((block) => {
    const contents = readInside(block, diagnostics);
    const members: string[] = [];
    const group = contents.last('group');
    const words = group === undefined ? [] : linesOf(group, diagnostics).flat();
    for (const word of words) {
      const first = taken.get(word.text);
      if (first !== undefined) {
        diagnostics.add('setting-conflict', 'error', word, {
          message: `${word.text} is already a member of a sync group`,
          inEffect: 'the first one counts',
          related: [{ at: first, message: 'first here' }],
        });
      } else if (names.has(word.text)) {
        taken.set(word.text, word);
        members.push(word.text);
      } else if (!written.has(word.text)) {
        const near = nearest(word.text, names);
        diagnostics.add('invalid-value', 'error', word, {
          message: `there is no vrrp_instance ${JSON.stringify(word.text)}`,
          inEffect: 'the member is ignored',
          hint: near === undefined ? undefined : `did you mean ${near}?`,
        });
      }
    }
    if (members.length < 2) {
      const isEmpty = members.length === 0;
      diagnostics.add('missing-setting', isEmpty ? 'error' : 'warning', block.token, {
        message: `vrrp_sync_group ${nameOf(block)} has ${isEmpty ? 'no member' : 'only one member'}`,
        inEffect: isEmpty ? 'the group is skipped' : 'the group changes nothing',
      });
    }
    const lowered: VrrpSyncGroup = {
      name: nameOf(block),
      members,
      syncGroupTrackingWeight: contents.has('sync_group_tracking_weight'),
      tracking: lowerTracking(contents, block.order, definitions, diagnostics),
      notifications: lowerNotifications(contents),
      source: sourceOf(block.token),
    };
    return members.length === 0 ? [] : [lowered];
  });
}
