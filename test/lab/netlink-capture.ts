/**
 * Reads captures of netlink traffic: pcap files of link type LINKTYPE_NETLINK, as tcpdump writes them from an nlmon
 * device, down to the commands of one generic netlink family. Pure.
 */

/** One netlink message as it passed. */
export interface CapturedMessage {
  /** Seconds since 1970, by the capturing kernel's clock. */
  readonly at: number;
  /** `nlmsghdr`: linux/netlink.h. */
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly port: number;
  /** `genlmsghdr.cmd`; undefined when the message is too short to have one. */
  readonly command: number | undefined;
}

/** Commands of the IPVS family, version 1: linux/ip_vs.h, enum IPVS_CMD_*. */
export const ipvsCommands: readonly string[] = [
  'UNSPEC',
  'NEW_SERVICE',
  'SET_SERVICE',
  'DEL_SERVICE',
  'GET_SERVICE',
  'NEW_DEST',
  'SET_DEST',
  'DEL_DEST',
  'GET_DEST',
  'NEW_DAEMON',
  'DEL_DAEMON',
  'GET_DAEMON',
  'SET_CONFIG',
  'GET_CONFIG',
  'SET_INFO',
  'GET_INFO',
  'ZERO',
  'FLUSH',
];

const linkTypeNetlink = 253;
const netlinkGeneric = 16;
const flagRequest = 1;
const cookedHeaderLength = 16;
const netlinkHeaderLength = 16;

/**
 * The generic netlink messages of a pcap file, in order. Before each packet stands a cooked header, in network order:
 * packet type, ARPHRD_NETLINK, ..., protocol (the netlink family; NETLINK_GENERIC is 16). The netlink headers are in
 * the order of the machine that captured, taken to be the pcap file's. A last packet that is cut off is left out.
 */
export function genericMessages(pcap: Uint8Array): CapturedMessage[] {
  const data = new DataView(pcap.buffer, pcap.byteOffset, pcap.byteLength);
  if (pcap.byteLength < 24) {
    return [];
  }
  const magic = data.getUint32(0, true);
  const little = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d;
  const fraction = (little ? magic : data.getUint32(0, false)) === 0xa1b23c4d ? 1e9 : 1e6;
  if (!little && ![0xa1b2c3d4, 0xa1b23c4d].includes(data.getUint32(0, false))) {
    throw new Error('not a pcap file');
  }
  const linkType = data.getUint32(20, little) & 0xffff;
  if (linkType !== linkTypeNetlink) {
    throw new Error(`a pcap file of link type ${linkType}, not of netlink (${linkTypeNetlink})`);
  }
  const messages: CapturedMessage[] = [];
  for (let at = 24; at + 16 <= pcap.byteLength; ) {
    const time = data.getUint32(at, little) + data.getUint32(at + 4, little) / fraction;
    const length = data.getUint32(at + 8, little);
    const start = at + 16;
    const end = start + length;
    if (end > pcap.byteLength) {
      break;
    }
    if (length >= cookedHeaderLength && data.getUint16(start + 14, false) === netlinkGeneric) {
      messages.push(...netlinkMessages(data, start + cookedHeaderLength, end, little, time));
    }
    at = end;
  }
  return messages;
}

/** How often each IPVS command was asked of the kernel, by name. Answers of the kernel are not counted. */
export function countIpvsCommands(messages: readonly CapturedMessage[], family: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type, flags, command } of messages) {
    if (type === family && (flags & flagRequest) !== 0 && command !== undefined) {
      const name = ipvsCommands[command] ?? `command ${command}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
  }
  return counts;
}

function* netlinkMessages(
  data: DataView,
  start: number,
  end: number,
  little: boolean,
  time: number,
): Generator<CapturedMessage> {
  for (let at = start; at + netlinkHeaderLength <= end; ) {
    const length = data.getUint32(at, little);
    if (length < netlinkHeaderLength || at + length > end) {
      return;
    }
    yield {
      at: time,
      type: data.getUint16(at + 4, little),
      flags: data.getUint16(at + 6, little),
      sequence: data.getUint32(at + 8, little),
      port: data.getUint32(at + 12, little),
      command: length >= netlinkHeaderLength + 4 ? data.getUint8(at + netlinkHeaderLength) : undefined,
    };
    // NLMSG_ALIGN: messages start at multiples of four.
    at += (length + 3) & ~3;
  }
}
