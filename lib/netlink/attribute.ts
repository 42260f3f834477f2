/**
 * Netlink attributes (struct nlattr): u16 length with header but without padding, u16 type, payload, padding to four
 * bytes. Length and type are in host order; the writer and the readers say the byte order of each payload in their name.
 */
import { type IpAddress, writeIpBytes } from '../address/ip-address.ts';
import { alignToFour, hostIsLittleEndian, viewOf } from './byte-order.ts';
import { NLA_F_NESTED, NLA_HDRLEN, NLA_TYPE_MASK, NLM_F_REQUEST, NLMSG_HDRLEN } from './linux-netlink.ts';
import { malformed } from './malformed.ts';

/**
 * One attribute within bytes that were decoded: a place in them, not a copy. Its readers look at the bytes through one
 * view that all attributes of a message share, as a large dump has tens of thousands of them.
 */
export class Attribute {
  /** Without the flags NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
  readonly type: number;
  /** NLA_F_NESTED was set. Many kernel families nest without saying so. */
  readonly nested: boolean;
  /** What is being decoded, for messages. */
  readonly within: string;
  /** Of the bytes around it; the payload begins at `start` and has `length` bytes. */
  readonly view: DataView;
  readonly start: number;
  readonly length: number;

  /** Reads the header at `offset`. Throws ERR_NETLINK_MALFORMED when the attribute does not end within `end`. */
  constructor(view: DataView, offset: number, end: number, within: string) {
    const left = end - offset;
    if (left < NLA_HDRLEN) throw malformed(within, `${left} bytes left, an attribute header has ${NLA_HDRLEN}`);
    const length = view.getUint16(offset, hostIsLittleEndian);
    const rawType = view.getUint16(offset + 2, hostIsLittleEndian);
    if (length < NLA_HDRLEN || length > left) {
      throw malformed(within, `attribute ${rawType & NLA_TYPE_MASK}: length ${length} is not within 4..${left}`);
    }
    this.type = rawType & NLA_TYPE_MASK;
    this.nested = (rawType & NLA_F_NESTED) !== 0;
    this.within = within;
    this.view = view;
    this.start = offset + NLA_HDRLEN;
    this.length = length - NLA_HDRLEN;
  }

  /** A view of the bytes that were decoded. */
  get payload(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.start, this.length);
  }

  /** Where the next attribute begins. */
  get next(): number {
    return this.start + alignToFour(this.length);
  }
}

/**
 * The attributes in order. Throws ERR_NETLINK_MALFORMED at the first one that does not fit; never gives more than one
 * attribute per four bytes.
 */
export function* decodeAttributes(bytes: Uint8Array, within: string): Generator<Attribute, void, undefined> {
  const view = viewOf(bytes);
  for (let offset = 0; offset < bytes.length; ) {
    const attribute = new Attribute(view, offset, bytes.length, within);
    yield attribute;
    offset = attribute.next;
  }
}

/** The attributes by type; of a type that comes twice the last counts, as in the kernel's nla_parse. */
export function attributesByType(bytes: Uint8Array, within: string): ReadonlyMap<number, Attribute> {
  return byType(viewOf(bytes), 0, bytes.length, within);
}

/** The attributes in the payload of another, by type, as {@link attributesByType} gives them. */
export function nestedByType({ view, start, length, within }: Attribute): ReadonlyMap<number, Attribute> {
  return byType(view, start, start + length, within);
}

function byType(view: DataView, start: number, end: number, within: string): ReadonlyMap<number, Attribute> {
  const attributes = new Map<number, Attribute>();
  for (let offset = start; offset < end; ) {
    const attribute = new Attribute(view, offset, end, within);
    attributes.set(attribute.type, attribute);
    offset = attribute.next;
  }
  return attributes;
}

/** Each reader throws ERR_NETLINK_MALFORMED when the payload is shorter than the value; longer ones are cut, as in nla_get_*. */
export function readU8(attribute: Attribute): number {
  return attribute.view.getUint8(startOf(attribute, 1));
}

/** Host order. */
export function readU16(attribute: Attribute): number {
  return attribute.view.getUint16(startOf(attribute, 2), hostIsLittleEndian);
}

/** Network order. */
export function readBe16(attribute: Attribute): number {
  return attribute.view.getUint16(startOf(attribute, 2), false);
}

/** Host order. */
export function readU32(attribute: Attribute): number {
  return attribute.view.getUint32(startOf(attribute, 4), hostIsLittleEndian);
}

/** Host order. */
export function readI32(attribute: Attribute): number {
  return attribute.view.getInt32(startOf(attribute, 4), hostIsLittleEndian);
}

/** Network order. */
export function readBe32(attribute: Attribute): number {
  return attribute.view.getUint32(startOf(attribute, 4), false);
}

/** Host order; the kernel aligns 64-bit payloads to four bytes only. */
export function readU64(attribute: Attribute): bigint {
  return attribute.view.getBigUint64(startOf(attribute, 8), hostIsLittleEndian);
}

/** Up to the first NUL, or all of it when there is none. Bytes that are not UTF-8 become U+FFFD. */
export function readString(attribute: Attribute): string {
  const { payload } = attribute;
  const end = payload.indexOf(0);
  return textDecoder.decode(end < 0 ? payload : payload.subarray(0, end));
}

const textDecoder = new TextDecoder();
const textEncoder = new TextEncoder();

/** Where a value of `size` bytes begins. */
function startOf({ start, length, type, within }: Attribute, size: number): number {
  if (length < size) throw malformed(within, `attribute ${type} has ${length} bytes, ${size} are needed`);
  return start;
}

/** The longest payload: the length field has 16 bits and counts the header. */
const maxPayload = 0xffff - NLA_HDRLEN;

/**
 * Collects attributes into one growing buffer: those of one message, or whole messages one behind the other. The bytes
 * of {@link AttributeWriter.finish} are the caller's.
 */
export class AttributeWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** `expected` bytes are reserved; more are when needed. */
  constructor(expected = 256) {
    this.#bytes = new Uint8Array(alignToFour(expected));
    this.#view = viewOf(this.#bytes);
  }

  /** How many bytes were written so far, padding included. */
  get length(): number {
    return this.#length;
  }

  /**
   * Begins a request (struct nlmsghdr), which ends with {@link AttributeWriter.endMessage}. Its sequence number is 0 until
   * it is sent. Gives its offset.
   */
  beginMessage(type: number): number {
    const start = this.#reserve(NLMSG_HDRLEN);
    this.#view.setUint16(start + 4, type, hostIsLittleEndian);
    this.#view.setUint16(start + 6, NLM_F_REQUEST, hostIsLittleEndian);
    return start;
  }

  endMessage(start: number): void {
    this.#view.setUint32(start, this.#length - start, hostIsLittleEndian);
  }

  /** Writes the bytes within `start..end` once more, and gives the offset of the copy. Both are multiples of four. */
  repeat(start: number, end: number): number {
    const at = this.#reserve(end - start);
    this.#bytes.copyWithin(at, start, end);
    return at;
  }

  /** Writes over four bytes of a value, host order. */
  putU32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, hostIsLittleEndian);
  }

  /** Writes over two bytes of a value, network order. */
  putBe16(offset: number, value: number): void {
    this.#view.setUint16(offset, value, false);
  }

  /** Writes over an IP address of the same family. */
  putAddress(offset: number, value: IpAddress): void {
    writeIpBytes(value, this.#bytes, offset);
  }

  /** The fixed part of a message in front of its attributes (struct genlmsghdr, struct rtmsg), padded to four bytes. */
  header(value: Uint8Array): this {
    this.#bytes.set(value, this.#reserve(value.length));
    return this;
  }

  u8(type: number, value: number): this {
    const at = this.#begin(type, 1);
    this.#view.setUint8(at, value);
    return this;
  }

  /** Host order. */
  u16(type: number, value: number): this {
    const at = this.#begin(type, 2);
    this.#view.setUint16(at, value, hostIsLittleEndian);
    return this;
  }

  /** Network order. */
  be16(type: number, value: number): this {
    const at = this.#begin(type, 2);
    this.#view.setUint16(at, value, false);
    return this;
  }

  /** Host order. */
  u32(type: number, value: number): this {
    const at = this.#begin(type, 4);
    this.#view.setUint32(at, value, hostIsLittleEndian);
    return this;
  }

  /** Network order. */
  be32(type: number, value: number): this {
    const at = this.#begin(type, 4);
    this.#view.setUint32(at, value, false);
    return this;
  }

  /** Host order. */
  u64(type: number, value: bigint): this {
    const at = this.#begin(type, 8);
    this.#view.setBigUint64(at, value, hostIsLittleEndian);
    return this;
  }

  /** UTF-8 with a final NUL (NLA_NUL_STRING). */
  string(type: number, value: string): this {
    const encoded = textEncoder.encode(value);
    const at = this.#begin(type, encoded.length + 1);
    this.#bytes.set(encoded, at);
    return this;
  }

  bytes(type: number, value: Uint8Array): this {
    const at = this.#begin(type, value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** An IP address in network order, with zeros behind it up to `size` bytes. */
  address(type: number, value: IpAddress, size: number): this {
    const at = this.#begin(type, size);
    writeIpBytes(value, this.#bytes, at);
    return this;
  }

  /** What `body` writes becomes the payload of one attribute with NLA_F_NESTED. */
  nest(type: number, body: (writer: this) => void): this {
    const start = this.#begin(type | NLA_F_NESTED, 0) - NLA_HDRLEN;
    body(this);
    const length = this.#length - start;
    if (length - NLA_HDRLEN > maxPayload) throw new RangeError(`attribute ${type} has ${length} bytes, at most 65535`);
    this.#view.setUint16(start, length, hostIsLittleEndian);
    return this;
  }

  /** All that was written, padded to four bytes. The writer is empty afterwards. */
  finish(): Uint8Array {
    const written = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(0);
    this.#view = viewOf(this.#bytes);
    this.#length = 0;
    return written;
  }

  /** Writes a header, reserves the payload with padding (zeros) and gives the payload's offset. */
  #begin(type: number, payloadLength: number): number {
    if (payloadLength > maxPayload) throw new RangeError(`attribute ${type} has ${payloadLength} bytes of payload`);
    const start = this.#reserve(NLA_HDRLEN + payloadLength);
    this.#view.setUint16(start, NLA_HDRLEN + payloadLength, hostIsLittleEndian);
    this.#view.setUint16(start + 2, type, hostIsLittleEndian);
    return start + NLA_HDRLEN;
  }

  /** Gives the offset of `length` bytes that are zero, with padding behind them. */
  #reserve(length: number): number {
    const start = this.#length;
    const end = start + alignToFour(length);
    if (end > this.#bytes.length) this.#grow(end);
    this.#length = end;
    return start;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}

/** Deepest nest that {@link attributePathAt} follows; the kernel's families use two or three. */
const maxDepth = 8;

/**
 * The types of the attributes that enclose `offset`, outermost first: turns the offset of an extended acknowledgement
 * into a place that a person can find. Empty when the offset is in no attribute. Follows only attributes marked
 * NLA_F_NESTED, as our writer marks them, and at most eight levels; malformed bytes end the search.
 */
export function attributePathAt(bytes: Uint8Array, offset: number): readonly number[] {
  const path: number[] = [];
  let level = bytes;
  let target = offset;
  while (path.length < maxDepth) {
    const found = attributeAround(level, target);
    if (found === undefined) break;
    path.push(found.attribute.type);
    if (!found.attribute.nested || target < found.start + NLA_HDRLEN) break;
    level = found.attribute.payload;
    target -= found.start + NLA_HDRLEN;
  }
  return path;
}

function attributeAround(bytes: Uint8Array, offset: number): { attribute: Attribute; start: number } | undefined {
  try {
    for (const attribute of decodeAttributes(bytes, 'attributes')) {
      const start = attribute.start - NLA_HDRLEN;
      if (offset >= start && offset < attribute.start + attribute.length) return { attribute, start };
    }
  } catch {
    // Malformed from here on: the offset is in no attribute that can be named.
  }
  return undefined;
}
