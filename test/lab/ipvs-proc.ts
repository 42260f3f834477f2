/** Reads `/proc/net/ip_vs` (net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_info_seq_show) and says what changed. Pure. */
import { formatEndpoint } from '../../lib/address/endpoint.ts';
import { ipAddressFromBytes } from '../../lib/address/ip-address.ts';

export interface TableDestination {
  /** `Masq`, `Route`, `Tunnel` or `Local`. */
  readonly forward: string;
  readonly weight: number;
}

export interface TableService {
  readonly scheduler: string;
  readonly destinations: ReadonlyMap<string, TableDestination>;
}

/** Services by name: `172.16.10.81:80/tcp`, `[2001:db8::1]:53/udp`, `fwmark 7`; destinations by `ADDRESS:PORT`. */
export type Table = ReadonlyMap<string, TableService>;

export type TableChange =
  | { readonly kind: 'service-added' | 'service-removed'; readonly service: string }
  | {
      readonly kind: 'destination-added' | 'destination-removed';
      readonly service: string;
      readonly destination: string;
      readonly weight: number;
    }
  | {
      readonly kind: 'weight-changed';
      readonly service: string;
      readonly destination: string;
      readonly from: number;
      readonly weight: number;
    };

/**
 * A change and when it was seen, in milliseconds of CLOCK_MONOTONIC: it happened between `after`, the look before, and
 * `at`. A busy guest may look late; whoever wants to be certain takes the bound that speaks against the claim.
 */
export type SeenChange = TableChange & { readonly at: number; readonly after: number };

/** The table in the text of `/proc/net/ip_vs`. Throws on a line it does not know. */
export function parseTable(text: string): Table {
  const table = new Map<string, { scheduler: string; destinations: Map<string, TableDestination> }>();
  let current: { scheduler: string; destinations: Map<string, TableDestination> } | undefined;
  for (const line of text.split('\n').slice(3)) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '') {
      continue;
    }
    if (words[0] === '->' && current !== undefined && words.length >= 6) {
      current.destinations.set(endpoint(words[1]!), { forward: words[2]!, weight: Number(words[3]) });
    } else if (words[0] === 'FWM' && words.length >= 3) {
      current = { scheduler: words[2]!, destinations: new Map() };
      table.set(`fwmark ${Number.parseInt(words[1]!, 16)}`, current);
    } else if (/^(TCP|UDP|SCTP)$/.test(words[0]!) && words.length >= 3) {
      current = { scheduler: words[2]!, destinations: new Map() };
      table.set(`${endpoint(words[1]!)}/${words[0]!.toLowerCase()}`, current);
    } else {
      throw new Error(`/proc/net/ip_vs holds a line that is neither a service nor a destination: ${line}`);
    }
  }
  return table;
}

/** What turns one table into the other: removals first, then additions and weights. */
export function tableChanges(before: Table, after: Table): TableChange[] {
  const changes: TableChange[] = [];
  for (const [service, { destinations }] of before) {
    const other = after.get(service);
    for (const [destination, { weight }] of destinations) {
      if (other?.destinations.has(destination) !== true) {
        changes.push({ kind: 'destination-removed', service, destination, weight });
      }
    }
    if (other === undefined) {
      changes.push({ kind: 'service-removed', service });
    }
  }
  for (const [service, { destinations }] of after) {
    const other = before.get(service);
    if (other === undefined) {
      changes.push({ kind: 'service-added', service });
    }
    for (const [destination, { weight }] of destinations) {
      const old = other?.destinations.get(destination);
      if (old === undefined) {
        changes.push({ kind: 'destination-added', service, destination, weight });
      } else if (old.weight !== weight) {
        changes.push({ kind: 'weight-changed', service, destination, from: old.weight, weight });
      }
    }
  }
  return changes;
}

/** `AC100A51:0050`, or `[2001:0db8:...]:0050` with all eight groups; all digits are hexadecimal. */
function endpoint(text: string): string {
  const match = /^(?:([0-9A-F]{8})|\[([0-9A-Fa-f:]+)\]):([0-9A-F]{4})$/i.exec(text);
  if (match === null) {
    throw new Error(`/proc/net/ip_vs holds an address of unknown form: ${text}`);
  }
  const digits = match[1] ?? match[2]!.replaceAll(':', '');
  return formatEndpoint({
    address: ipAddressFromBytes(Buffer.from(digits, 'hex')),
    port: Number.parseInt(match[3]!, 16),
  });
}
