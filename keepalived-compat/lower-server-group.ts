/** virtual_server_group, with its lines `ADDRESS [PORT]`, ranges and prefixes of addresses, and `fwmark NUMBER`. */
import {
  compareIpAddresses,
  type IpAddress,
  ipAddressFromBytes,
  ipBytes,
  ipFamily,
  parseIpAddress,
} from '../lib/address/ip-address.ts';
import type { GroupAddresses, GroupFwmark, VirtualServerGroup } from '../lib/model/virtual-server-group.ts';
import type { BlockContents, Setting } from './block-reader.ts';
import type { DiagnosticList } from './diagnostic-list.ts';
import { LineReader, linesOf, parseNetwork, sourceOf } from './line-reader.ts';
import { distinctBlocks, nameOf } from './lower-tracking.ts';
import type { Token } from './syntax-tree.ts';

const skipped = 'the line is skipped';

export function lowerServerGroups(root: BlockContents, diagnostics: DiagnosticList): VirtualServerGroup[] {
  return distinctBlocks(root.all('virtual_server_group'), diagnostics).flatMap((block) => {
    const entries = linesOf(block, diagnostics).flatMap((words) => {
      const entry = words[0]!.text === 'fwmark' ? lowerFwmark(words, diagnostics) : lowerRange(words, diagnostics);
      return entry === undefined ? [] : [entry];
    });
    if (entries.length > 0) return [{ name: nameOf(block), entries, source: sourceOf(block.token) }];
    reportEmpty(block, diagnostics);
    return [];
  });
}

function reportEmpty(block: Setting, diagnostics: DiagnosticList): void {
  diagnostics.add('missing-setting', 'error', block.token, {
    message: `virtual_server_group ${nameOf(block)} has no address and no mark that can be used`,
    inEffect: 'the group is skipped',
  });
}

function lowerFwmark(words: readonly Token[], diagnostics: DiagnosticList): GroupFwmark | undefined {
  const line = new LineReader(words, skipped, diagnostics);
  const option = line.next()!;
  const fwmark = line.number(option, 1, 4_294_967_295);
  if (fwmark === undefined) return undefined;
  const family = line.next();
  const known = family?.text === 'inet' ? 4 : family?.text === 'inet6' ? 6 : undefined;
  if (family !== undefined && known === undefined) {
    line.refuse(family, 'behind a mark stands inet or inet6', 'the word is ignored');
  }
  return { kind: 'fwmark', fwmark, ...(known === undefined ? {} : { family: known }), source: sourceOf(option) };
}

function lowerRange(words: readonly Token[], diagnostics: DiagnosticList): GroupAddresses | undefined {
  const line = new LineReader(words, skipped, diagnostics);
  const word = line.next()!;
  const range = word.text.includes('/') ? networkRange(word.text) : addressRange(word.text);
  if (typeof range === 'string') {
    line.refuse(word, range);
    return undefined;
  }
  let port = 0;
  const written = line.peek();
  if (written !== undefined) {
    line.next();
    port = /^\d+$/.test(written.text) ? Number(written.text) : Number.NaN;
    if (!(port <= 65_535)) {
      line.refuse(written, `a port is a number from 0 to 65535, not ${JSON.stringify(written.text)}`);
      return undefined;
    }
  }
  const extra = line.next();
  if (extra !== undefined) line.refuse(extra, 'nothing stands behind the port', 'the word is ignored');
  return { kind: 'addresses', ...range, port, source: sourceOf(word) };
}

interface Range {
  readonly first: IpAddress;
  readonly last: IpAddress;
}

/** `ADDRESS/PREFIX`, or what is wrong with it. */
function networkRange(text: string): Range | string {
  const network = parseNetwork(text);
  if (network === undefined) return 'an address and a prefix length stand here, for example 10.0.0.0/24';
  const first = ipBytes(network.address);
  const last = Uint8Array.from(first, (byte, index) => {
    const bits = Math.min(8, Math.max(0, network.prefixLength - 8 * index));
    return byte | (0xff >> bits);
  });
  const isNetwork = first.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, network.prefixLength - 8 * index));
    return (byte & (0xff >> bits)) === 0;
  });
  if (!isNetwork) return `${text} has bits behind its prefix, only a whole network can be a range`;
  return { first: network.address, last: ipAddressFromBytes(last) };
}

/** `ADDRESS`, `ADDRESS-ADDRESS` or `ADDRESS-PART`, the last part being decimal for IPv4 and hexadecimal for IPv6. */
function addressRange(text: string): Range | string {
  const dash = text.indexOf('-');
  const first = parseIpAddress(dash < 0 ? text : text.slice(0, dash));
  if (first === undefined) return 'an IPv4 or IPv6 address, a range of them, or fwmark stands here';
  if (dash < 0) return { first, last: first };
  const end = text.slice(dash + 1);
  const last = parseIpAddress(end) ?? withLastPart(first, end);
  if (last === undefined) return `${JSON.stringify(end)} is no end of a range that begins with ${first}`;
  if (ipFamily(last) !== ipFamily(first)) return 'both ends of a range are of one family';
  if (compareIpAddresses(first, last) > 0) return `the range ends before it begins: ${last} is below ${first}`;
  return { first, last };
}

function withLastPart(first: IpAddress, part: string): IpAddress | undefined {
  const bytes = Uint8Array.from(ipBytes(first));
  if (bytes.length === 4) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined;
    bytes[3] = Number(part);
  } else {
    if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
    const value = Number.parseInt(part, 16);
    bytes[14] = value >> 8;
    bytes[15] = value & 0xff;
  }
  return ipAddressFromBytes(bytes);
}
