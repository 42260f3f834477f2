/**
 * Services, destinations and commands as attributes of the generic netlink family "IPVS", in both directions: the client
 * encodes commands and decodes entries, a fake kernel does the reverse. Decoders throw ERR_NETLINK_MALFORMED and nothing
 * else; attributes that they do not know are skipped. Byte orders stand in attributes.ts.
 *
 * ```
 * IPVS_CMD_ATTR_SERVICE                      IPVS_CMD_ATTR_DEST
 *   AF PROTOCOL ADDR PORT   (identity)         ADDR_FAMILY ADDR PORT            (identity)
 *   SCHED_NAME FLAGS TIMEOUT NETMASK           FWD_METHOD WEIGHT U_THRESH L_THRESH
 *   STATS STATS64 PE_NAME   (dumps)            *_CONNS STATS STATS64 TUN_*      (dumps)
 * ```
 */
import type { Endpoint } from '../address/endpoint.ts';
import { type IpAddress, ipAddressFromBytes, ipFamily } from '../address/ip-address.ts';
import { IpvigilError } from '../errors.ts';
import type { ForwardingMethod, Protocol } from '../model/virtual-server.ts';
import {
  type Attribute,
  AttributeWriter,
  attributePathAt,
  attributesByType,
  nestedByType,
  readBe16,
  readBe32,
  readString,
  readU8,
  readU16,
  readU32,
} from '../netlink/attribute.ts';
import { hostIsLittleEndian, viewOf } from '../netlink/byte-order.ts';
import { malformed } from '../netlink/malformed.ts';
import {
  AF_INET,
  AF_INET6,
  IP_VS_CONN_F_BYPASS,
  IP_VS_CONN_F_DROUTE,
  IP_VS_CONN_F_FWD_MASK,
  IP_VS_CONN_F_LOCALNODE,
  IP_VS_CONN_F_MASQ,
  IP_VS_CONN_F_TUNNEL,
  IP_VS_CONN_F_TUNNEL_TYPE_GRE,
  IP_VS_CONN_F_TUNNEL_TYPE_GUE,
  IP_VS_CONN_F_TUNNEL_TYPE_IPIP,
  IP_VS_SCHEDNAME_MAXLEN,
  IP_VS_SVC_F_HASHED,
  IP_VS_SVC_F_ONEPACKET,
  IP_VS_SVC_F_PERSISTENT,
  IP_VS_SVC_F_SCHED1,
  IP_VS_SVC_F_SCHED2,
  IP_VS_SVC_F_SCHED3,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPVS_CMD,
  IPVS_CMD_ATTR,
  IPVS_DEST_ATTR,
  IPVS_INFO_ATTR,
  IPVS_SVC_ATTR,
} from './attributes.ts';
import { describeCommand } from './command.ts';
import type {
  Destination,
  DestinationDeviation,
  DestinationStatus,
  IpvsCommand,
  ServiceDeviation,
  ServiceId,
  ServiceSettings,
  ServiceStatus,
} from './service.ts';

const protocolNumbers: Readonly<Record<Protocol, number>> = { tcp: IPPROTO_TCP, udp: IPPROTO_UDP, sctp: IPPROTO_SCTP };
const protocolsByNumber = new Map(Object.entries(protocolNumbers).map(([name, n]) => [n, name as Protocol]));

const forwardingNumbers: Readonly<Record<ForwardingMethod, number>> = {
  nat: IP_VS_CONN_F_MASQ,
  dr: IP_VS_CONN_F_DROUTE,
  tun: IP_VS_CONN_F_TUNNEL,
};
const forwardingsByNumber = new Map(
  Object.entries(forwardingNumbers).map(([name, n]) => [n, name as ForwardingMethod]),
);

/** Netmask of a service that keeps each client by itself: all ones, for IPv6 as a prefix length. */
const wholeIpv4Mask = 0xffffffff;
const wholeIpv6Mask = 128;

// Commands

/** Command number and attributes of a command. Throws ERR_INVALID_ARGUMENT when a value does not fit its field. */
export function encodeCommand(command: IpvsCommand): { readonly command: number; readonly attributes: Uint8Array } {
  checkCommand(command);
  const writer = new AttributeWriter();
  writeCommand(writer, command);
  return { command: IPVS_CMD[command.kind], attributes: writer.finish() };
}

/** Throws ERR_INVALID_ARGUMENT when a value of the command does not fit its field. */
export function checkCommand(command: IpvsCommand): void {
  const fault = faultOf(command);
  if (fault !== undefined)
    throw new IpvigilError('ERR_INVALID_ARGUMENT', { ...describeCommand(command), detail: fault });
}

/** Writes the attributes of a command that {@link checkCommand} lets pass. */
export function writeCommand(writer: AttributeWriter, command: IpvsCommand): void {
  writer.nest(IPVS_CMD_ATTR.SERVICE, () => {
    writeServiceId(writer, command.service);
    if (command.kind === 'NEW_SERVICE' || command.kind === 'SET_SERVICE') writeServiceSettings(writer, command.service);
  });
  if (command.kind === 'DEL_DEST') {
    writer.nest(IPVS_CMD_ATTR.DEST, () => writeDestinationId(writer, command.destination));
  } else if (command.kind === 'NEW_DEST' || command.kind === 'SET_DEST') {
    writer.nest(IPVS_CMD_ATTR.DEST, () => {
      writeDestinationId(writer, command.destination);
      writeDestinationSettings(writer, command.destination);
    });
  }
}

/** The attributes that ask for one service's destinations (IPVS_CMD_GET_DEST). */
export function encodeServiceQuery(service: ServiceId): Uint8Array {
  const writer = new AttributeWriter();
  return writer.nest(IPVS_CMD_ATTR.SERVICE, () => writeServiceId(writer, service)).finish();
}

/** The service in a command's attributes, as far as it identifies one; undefined for a firewall mark. */
export function decodeServiceQuery(attributes: Uint8Array): ServiceId | undefined {
  const service = nestOf(attributes, IPVS_CMD_ATTR.SERVICE, 'IPVS service');
  return service.has(IPVS_SVC_ATTR.FWMARK) ? undefined : readServiceId(service);
}

const kindsByNumber = new Map<number, IpvsCommand['kind']>(
  (['NEW_SERVICE', 'SET_SERVICE', 'DEL_SERVICE', 'NEW_DEST', 'SET_DEST', 'DEL_DEST'] as const).map((kind) => [
    IPVS_CMD[kind],
    kind,
  ]),
);

/** The reverse of {@link encodeCommand}; undefined for a command number that changes no service or destination. */
export function decodeCommand(command: number, attributes: Uint8Array): IpvsCommand | undefined {
  const kind = kindsByNumber.get(command);
  if (kind === undefined) return undefined;
  const serviceAttributes = nestOf(attributes, IPVS_CMD_ATTR.SERVICE, 'IPVS service');
  const service = readServiceId(serviceAttributes);
  switch (kind) {
    case 'NEW_SERVICE':
    case 'SET_SERVICE': {
      const { deviation: _, ...settings } = readServiceSettings(serviceAttributes, service);
      return { kind, service: settings };
    }
    case 'DEL_SERVICE':
      return { kind, service };
    case 'DEL_DEST': {
      const destination = nestOf(attributes, IPVS_CMD_ATTR.DEST, 'IPVS destination');
      return { kind, service, destination: readDestinationId(destination, familyOf(service.address)) };
    }
    case 'NEW_DEST':
    case 'SET_DEST': {
      const within = nestOf(attributes, IPVS_CMD_ATTR.DEST, 'IPVS destination');
      const { deviation: _, ...destination } = readDestination(within, familyOf(service.address));
      return { kind, service, destination };
    }
  }
}

/**
 * The name of the attribute at `offset` within a command's attributes, `IPVS_SVC_ATTR_NETMASK`, or the number of one
 * without a name; undefined when there is none: for what the kernel finds fault with.
 */
export function attributeNameAt(attributes: Uint8Array, offset: number): string | undefined {
  const [outer, inner] = attributePathAt(attributes, offset);
  if (outer === undefined) return undefined;
  if (inner === undefined) return `IPVS_CMD_ATTR_${nameIn(IPVS_CMD_ATTR, outer)}`;
  if (outer === IPVS_CMD_ATTR.SERVICE) return `IPVS_SVC_ATTR_${nameIn(IPVS_SVC_ATTR, inner)}`;
  return `IPVS_DEST_ATTR_${nameIn(IPVS_DEST_ATTR, inner)}`;
}

function nameIn(numbers: Readonly<Record<string, number>>, type: number): string {
  return Object.keys(numbers).find((name) => numbers[name] === type) ?? String(type);
}

// Entries of dumps

/** A service of a dump, without its destinations, which have a dump of their own. */
export type SettingsStatus = Omit<ServiceStatus, 'destinations'>;

/** One service of a dump. A service on a firewall mark has no address to be named by, so it is not a {@link ServiceId}. */
export type ServiceEntry =
  | { readonly kind: 'service'; readonly service: SettingsStatus }
  | { readonly kind: 'other'; readonly reason: string };

/** Reads the attributes of IPVS_CMD_NEW_SERVICE as a dump gives them. */
export function decodeServiceEntry(attributes: Uint8Array): ServiceEntry {
  const service = nestOf(attributes, IPVS_CMD_ATTR.SERVICE, 'IPVS service');
  const fwmark = service.get(IPVS_SVC_ATTR.FWMARK);
  if (fwmark !== undefined) return { kind: 'other', reason: `firewall mark ${readU32(fwmark)}` };
  const protocol = readU16(required(service, IPVS_SVC_ATTR.PROTOCOL, 'IPVS service'));
  if (!protocolsByNumber.has(protocol)) return { kind: 'other', reason: `protocol ${protocol}` };
  return { kind: 'service', service: readServiceSettings(service, readServiceId(service)) };
}

/** Reads the attributes of IPVS_CMD_NEW_DEST as a dump gives them; `service` is the one that was asked for. */
export function decodeDestinationEntry(attributes: Uint8Array, service: ServiceId): DestinationStatus {
  const destination = nestOf(attributes, IPVS_CMD_ATTR.DEST, 'IPVS destination');
  const status = readDestination(destination, familyOf(service.address));
  const active = destination.get(IPVS_DEST_ATTR.ACTIVE_CONNS);
  const inactive = destination.get(IPVS_DEST_ATTR.INACT_CONNS);
  return {
    ...status,
    ...(active === undefined ? undefined : { activeConnections: readU32(active) }),
    ...(inactive === undefined ? undefined : { inactiveConnections: readU32(inactive) }),
  };
}

/** The attributes of a service as the kernel dumps it, without counters. */
export function encodeServiceEntry(service: ServiceSettings): Uint8Array {
  const writer = new AttributeWriter();
  writer.nest(IPVS_CMD_ATTR.SERVICE, () => {
    writeServiceId(writer, service);
    writeServiceSettings(writer, service, IP_VS_SVC_F_HASHED);
  });
  return writer.finish();
}

/** The attributes of a destination as the kernel dumps it, without byte and packet counters. */
export function encodeDestinationEntry(destination: DestinationStatus): Uint8Array {
  const writer = new AttributeWriter();
  writer.nest(IPVS_CMD_ATTR.DEST, () => {
    writeDestinationId(writer, destination);
    writeDestinationSettings(writer, destination);
    writer.u32(IPVS_DEST_ATTR.ACTIVE_CONNS, destination.activeConnections ?? 0);
    writer.u32(IPVS_DEST_ATTR.INACT_CONNS, destination.inactiveConnections ?? 0);
    writer.u32(IPVS_DEST_ATTR.PERSIST_CONNS, 0);
    writer.u8(IPVS_DEST_ATTR.TUN_TYPE, IP_VS_CONN_F_TUNNEL_TYPE_IPIP);
    writer.be16(IPVS_DEST_ATTR.TUN_PORT, 0);
    writer.u16(IPVS_DEST_ATTR.TUN_FLAGS, 0);
  });
  return writer.finish();
}

/** What the kernel says about IPVS as a whole. */
export interface IpvsInfo {
  /** `1.2.1`. */
  readonly version: string;
  /** Entries of the connection hash table (module parameter conn_tab_bits). */
  readonly connectionTableSize: number;
}

/** Reads the attributes of IPVS_CMD_SET_INFO, the answer to IPVS_CMD_GET_INFO. */
export function decodeInfo(attributes: Uint8Array): IpvsInfo {
  const within = 'IPVS information';
  const info = attributesByType(attributes, within);
  const version = readU32(required(info, IPVS_INFO_ATTR.VERSION, within));
  return {
    version: `${(version >>> 16) & 0xff}.${(version >>> 8) & 0xff}.${version & 0xff}`,
    connectionTableSize: readU32(required(info, IPVS_INFO_ATTR.CONN_TAB_SIZE, within)),
  };
}

/** The reverse of {@link decodeInfo}. */
export function encodeInfo({ version, connectionTableSize }: IpvsInfo): Uint8Array {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return new AttributeWriter()
    .u32(IPVS_INFO_ATTR.VERSION, (major << 16) | (minor << 8) | patch)
    .u32(IPVS_INFO_ATTR.CONN_TAB_SIZE, connectionTableSize)
    .finish();
}

// Services

function writeServiceId(writer: AttributeWriter, service: ServiceId): void {
  writer.u16(IPVS_SVC_ATTR.AF, familyOf(service.address));
  writer.u16(IPVS_SVC_ATTR.PROTOCOL, protocolNumbers[service.protocol]);
  writer.address(IPVS_SVC_ATTR.ADDR, service.address, inetAddrBytes);
  writer.be16(IPVS_SVC_ATTR.PORT, service.port);
}

function writeServiceSettings(writer: AttributeWriter, service: ServiceSettings, kernelFlags = 0): void {
  const flags =
    (service.persistenceTimeoutS > 0 ? IP_VS_SVC_F_PERSISTENT : 0) |
    (service.onePacket ? IP_VS_SVC_F_ONEPACKET : 0) |
    kernelFlags;
  const flagsAndMask = new Uint8Array(8);
  const view = viewOf(flagsAndMask);
  view.setUint32(0, flags, hostIsLittleEndian);
  // All of them: a flag that somebody else set is cleared. The kernel keeps HASHED by itself.
  view.setUint32(4, 0xffffffff, hostIsLittleEndian);
  writer.string(IPVS_SVC_ATTR.SCHED_NAME, service.scheduler);
  writer.bytes(IPVS_SVC_ATTR.FLAGS, flagsAndMask);
  writer.u32(IPVS_SVC_ATTR.TIMEOUT, service.persistenceTimeoutS);
  if (ipFamily(service.address) === 4) writer.be32(IPVS_SVC_ATTR.NETMASK, wholeIpv4Mask);
  else writer.u32(IPVS_SVC_ATTR.NETMASK, wholeIpv6Mask);
}

function readServiceId(service: ReadonlyMap<number, Attribute>): ServiceId {
  const within = 'IPVS service';
  const protocol = readU16(required(service, IPVS_SVC_ATTR.PROTOCOL, within));
  const name = protocolsByNumber.get(protocol);
  if (name === undefined) throw malformed(within, `protocol ${protocol} is none that IPVS balances`);
  const family = readU16(required(service, IPVS_SVC_ATTR.AF, within));
  return {
    address: readInetAddr(required(service, IPVS_SVC_ATTR.ADDR, within), family),
    port: readBe16(required(service, IPVS_SVC_ATTR.PORT, within)),
    protocol: name,
  };
}

function readServiceSettings(attributes: ReadonlyMap<number, Attribute>, id: ServiceId): SettingsStatus {
  const within = 'IPVS service';
  // The mask behind the flags matters in commands only, and ours is always all ones.
  const flags = readU32(required(attributes, IPVS_SVC_ATTR.FLAGS, within));
  const timeout = readU32(required(attributes, IPVS_SVC_ATTR.TIMEOUT, within));
  const netmask = required(attributes, IPVS_SVC_ATTR.NETMASK, within);
  const engine = attributes.get(IPVS_SVC_ATTR.PE_NAME);
  const persistent = (flags & IP_VS_SVC_F_PERSISTENT) !== 0;
  const mask = ipFamily(id.address) === 4 ? readBe32(netmask) : readU32(netmask);
  const wholeMask = ipFamily(id.address) === 4 ? wholeIpv4Mask : wholeIpv6Mask;
  const schedulerFlags = schedulerFlagBits.flatMap((bit, i) => ((flags & bit) === 0 ? [] : [i + 1]));
  const deviation: ServiceDeviation = {
    ...(schedulerFlags.length > 0 && { schedulerFlags }),
    ...(mask !== wholeMask && { netmask: ipFamily(id.address) === 4 ? dotted(mask) : String(mask) }),
    ...(engine !== undefined && { persistenceEngine: readString(engine) }),
    ...(persistent && timeout === 0 && { persistentForNoTime: true }),
  };
  return {
    ...id,
    scheduler: readString(required(attributes, IPVS_SVC_ATTR.SCHED_NAME, within)),
    persistenceTimeoutS: persistent ? timeout : 0,
    onePacket: (flags & IP_VS_SVC_F_ONEPACKET) !== 0,
    ...(Object.keys(deviation).length > 0 && { deviation }),
  };
}

const schedulerFlagBits = [IP_VS_SVC_F_SCHED1, IP_VS_SVC_F_SCHED2, IP_VS_SVC_F_SCHED3] as const;

// Destinations

function writeDestinationId(writer: AttributeWriter, destination: Endpoint): void {
  writer.u16(IPVS_DEST_ATTR.ADDR_FAMILY, familyOf(destination.address));
  writer.address(IPVS_DEST_ATTR.ADDR, destination.address, inetAddrBytes);
  writer.be16(IPVS_DEST_ATTR.PORT, destination.port);
}

function writeDestinationSettings(writer: AttributeWriter, destination: Destination): void {
  writer.u32(IPVS_DEST_ATTR.FWD_METHOD, forwardingNumbers[destination.forwarding]);
  writer.u32(IPVS_DEST_ATTR.WEIGHT, destination.weight);
  writer.u32(IPVS_DEST_ATTR.U_THRESH, destination.uthreshold);
  writer.u32(IPVS_DEST_ATTR.L_THRESH, destination.lthreshold);
}

/**
 * Puts another destination in the place of the one that was written last, as the end of a NEW_DEST or SET_DEST. Both
 * addresses are of one family, so the attributes have the same length.
 */
export function overwriteDestination(writer: AttributeWriter, destination: Destination): void {
  // From the end, each attribute with its header: ADDR 20, then PORT and four numbers with 8 each.
  const end = writer.length;
  writer.putAddress(end - 56, destination.address);
  writer.putBe16(end - 36, destination.port);
  writer.putU32(end - 28, forwardingNumbers[destination.forwarding]);
  writer.putU32(end - 20, destination.weight);
  writer.putU32(end - 12, destination.uthreshold);
  writer.putU32(end - 4, destination.lthreshold);
}

function readDestinationId(destination: ReadonlyMap<number, Attribute>, serviceFamily: number): Endpoint {
  const within = 'IPVS destination';
  const family = destination.get(IPVS_DEST_ATTR.ADDR_FAMILY);
  // The kernel takes 0 for the service's family, too.
  const af = (family === undefined ? 0 : readU16(family)) || serviceFamily;
  return {
    address: readInetAddr(required(destination, IPVS_DEST_ATTR.ADDR, within), af),
    port: readBe16(required(destination, IPVS_DEST_ATTR.PORT, within)),
  };
}

function readDestination(attributes: ReadonlyMap<number, Attribute>, serviceFamily: number): DestinationStatus {
  const within = 'IPVS destination';
  const method = readU32(required(attributes, IPVS_DEST_ATTR.FWD_METHOD, within)) & IP_VS_CONN_F_FWD_MASK;
  const forwarding = forwardingsByNumber.get(method);
  const tunnel = attributes.get(IPVS_DEST_ATTR.TUN_TYPE);
  // The kernel keeps a tunnel type for every destination; it means something for tunnels only.
  const tunnelType = forwarding === 'tun' && tunnel !== undefined ? readU8(tunnel) : IP_VS_CONN_F_TUNNEL_TYPE_IPIP;
  const deviation: DestinationDeviation = {
    ...(forwarding === undefined && { forwarding: otherForwarding(method) }),
    ...(tunnelType !== IP_VS_CONN_F_TUNNEL_TYPE_IPIP && { tunnelType: tunnelTypeName(tunnelType) }),
  };
  return {
    ...readDestinationId(attributes, serviceFamily),
    weight: readU32(required(attributes, IPVS_DEST_ATTR.WEIGHT, within)),
    forwarding: forwarding ?? 'nat',
    uthreshold: readU32(required(attributes, IPVS_DEST_ATTR.U_THRESH, within)),
    lthreshold: readU32(required(attributes, IPVS_DEST_ATTR.L_THRESH, within)),
    ...(Object.keys(deviation).length > 0 && { deviation }),
  };
}

function otherForwarding(method: number): string {
  if (method === IP_VS_CONN_F_LOCALNODE) return 'local';
  return method === IP_VS_CONN_F_BYPASS ? 'bypass' : String(method);
}

function tunnelTypeName(type: number): string {
  if (type === IP_VS_CONN_F_TUNNEL_TYPE_GUE) return 'gue';
  return type === IP_VS_CONN_F_TUNNEL_TYPE_GRE ? 'gre' : String(type);
}

// Small parts

function nestOf(attributes: Uint8Array, type: number, within: string): ReadonlyMap<number, Attribute> {
  return nestedByType(required(attributesByType(attributes, within), type, within));
}

function required(attributes: ReadonlyMap<number, Attribute>, type: number, within: string): Attribute {
  const attribute = attributes.get(type);
  if (attribute === undefined) throw malformed(within, `attribute ${type} is missing`);
  return attribute;
}

function familyOf(address: IpAddress): number {
  return ipFamily(address) === 4 ? AF_INET : AF_INET6;
}

/** union nf_inet_addr: 16 bytes in network order, IPv4 in the first four. */
const inetAddrBytes = 16;

function readInetAddr({ payload, within }: Attribute, family: number): IpAddress {
  const length = family === AF_INET ? 4 : family === AF_INET6 ? 16 : undefined;
  if (length === undefined) throw malformed(within, `address family ${family} is neither AF_INET nor AF_INET6`);
  if (payload.length < length) throw malformed(within, `an address of ${payload.length} bytes, ${length} are needed`);
  return ipAddressFromBytes(payload.subarray(0, length));
}

function dotted(value: number): string {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff].join('.');
}

/**
 * The longest persistence: the kernel multiplies the seconds by HZ (1000 at most) in 32 bits, so more would come back as
 * another number.
 */
const maxPersistenceS = Math.floor(0xffffffff / 1000);

/** What does not fit into the fields of the command, in words; undefined when all does. */
function faultOf(command: IpvsCommand): string | undefined {
  const { service } = command;
  if (!isInteger(service.port, 0xffff)) return `port ${service.port} is not within 0..65535`;
  switch (command.kind) {
    case 'NEW_SERVICE':
    case 'SET_SERVICE': {
      const { scheduler, persistenceTimeoutS } = command.service;
      if (!schedulerName.test(scheduler)) {
        return `scheduler ${JSON.stringify(scheduler)} is not a name of 1 to ${IP_VS_SCHEDNAME_MAXLEN - 1} characters`;
      }
      if (!isInteger(persistenceTimeoutS, maxPersistenceS)) {
        return `persistence timeout ${persistenceTimeoutS} is not a whole number within 0..${maxPersistenceS} seconds`;
      }
      return undefined;
    }
    case 'DEL_SERVICE':
      return undefined;
    case 'DEL_DEST':
      return portFault(command.destination);
    case 'NEW_DEST':
    case 'SET_DEST': {
      const { weight, uthreshold, lthreshold } = command.destination;
      if (!isInteger(weight, 0x7fffffff)) return `weight ${weight} is not within 0..2147483647`;
      if (!isInteger(uthreshold, 0xffffffff)) return `upper threshold ${uthreshold} is not within 0..4294967295`;
      if (!isInteger(lthreshold, 0xffffffff)) return `lower threshold ${lthreshold} is not within 0..4294967295`;
      return portFault(command.destination);
    }
  }
}

/** The kernel makes a module's name of it, so only what can be part of one. */
const schedulerName = /^[A-Za-z0-9_-]{1,15}$/;

function portFault({ port }: Endpoint): string | undefined {
  return isInteger(port, 0xffff) ? undefined : `port ${port} of the real server is not within 0..65535`;
}

function isInteger(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
