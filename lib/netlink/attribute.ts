/**
 * Netlink attributes (struct nlattr): u16 length with header but without padding, u16 type, payload, padding to four
 * bytes. Length and type are in host order; the writer and the readers say the byte order of each payload in their name.
 */
import { alignToFour, hostIsLittleEndian, viewOf } from './byte-order.ts';
import { NLA_F_NESTED, NLA_HDRLEN, NLA_TYPE_MASK } from './linux-netlink.ts';
import { malformed } from './malformed.ts';

export interface Attribute {
  /** Without the flags NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
  readonly type: number;
  /** NLA_F_NESTED was set. Many kernel families nest without saying so. */
  readonly nested: boolean;
  /** A view of the bytes that were decoded, not a copy. */
  readonly payload: Uint8Array;
  /** What is being decoded, for messages. */
  readonly within: string;
}

/**
 * The attributes in order. Throws ERR_NETLINK_MALFORMED at the first one that does not fit; never gives more than one
 * attribute per four bytes.
 */
export function* decodeAttributes(bytes: Uint8Array, within: string): Generator<Attribute, void, undefined> {
  const view = viewOf(bytes);
  let offset = 0;
  while (offset < bytes.length) {
    const left = bytes.length - offset;
    if (left < NLA_HDRLEN) throw malformed(within, `${left} bytes left, an attribute header has ${NLA_HDRLEN}`);
    const length = view.getUint16(offset, hostIsLittleEndian);
    const rawType = view.getUint16(offset + 2, hostIsLittleEndian);
    if (length < NLA_HDRLEN || length > left) {
      throw malformed(within, `attribute ${rawType & NLA_TYPE_MASK}: length ${length} is not within 4..${left}`);
    }
    yield {
      type: rawType & NLA_TYPE_MASK,
      nested: (rawType & NLA_F_NESTED) !== 0,
      payload: bytes.subarray(offset + NLA_HDRLEN, offset + length),
      within,
    };
    offset += alignToFour(length);
  }
}

/** The attributes by type; of a type that comes twice the last counts, as in the kernel's nla_parse. */
export function attributesByType(bytes: Uint8Array, within: string): ReadonlyMap<number, Attribute> {
  const attributes = new Map<number, Attribute>();
  for (const attribute of decodeAttributes(bytes, within)) attributes.set(attribute.type, attribute);
  return attributes;
}

/** Each reader throws ERR_NETLINK_MALFORMED when the payload is shorter than the value; longer ones are cut, as in nla_get_*. */
export function readU8(attribute: Attribute): number {
  return payloadView(attribute, 1).getUint8(0);
}

/** Host order. */
export function readU16(attribute: Attribute): number {
  return payloadView(attribute, 2).getUint16(0, hostIsLittleEndian);
}

/** Network order. */
export function readBe16(attribute: Attribute): number {
  return payloadView(attribute, 2).getUint16(0, false);
}

/** Host order. */
export function readU32(attribute: Attribute): number {
  return payloadView(attribute, 4).getUint32(0, hostIsLittleEndian);
}

/** Host order. */
export function readI32(attribute: Attribute): number {
  return payloadView(attribute, 4).getInt32(0, hostIsLittleEndian);
}

/** Network order. */
export function readBe32(attribute: Attribute): number {
  return payloadView(attribute, 4).getUint32(0, false);
}

/** Host order; the kernel aligns 64-bit payloads to four bytes only. */
export function readU64(attribute: Attribute): bigint {
  return payloadView(attribute, 8).getBigUint64(0, hostIsLittleEndian);
}

/** Up to the first NUL, or all of it when there is none. Bytes that are not UTF-8 become U+FFFD. */
export function readString(attribute: Attribute): string {
  const { payload } = attribute;
  const end = payload.indexOf(0);
  return textDecoder.decode(end < 0 ? payload : payload.subarray(0, end));
}

const textDecoder = new TextDecoder();
const textEncoder = new TextEncoder();

function payloadView(attribute: Attribute, length: number): DataView {
  if (attribute.payload.length < length) {
    throw malformed(
      attribute.within,
      `attribute ${attribute.type} has ${attribute.payload.length} bytes, ${length} are needed`,
    );
  }
  return viewOf(attribute.payload);
}

/** The longest payload: the length field has 16 bits and counts the header. */
const maxPayload = 0xffff - NLA_HDRLEN;

/** Collects attributes into one growing buffer. The bytes of {@link AttributeWriter.finish} are the caller's. */
export class AttributeWriter {
  #bytes = new Uint8Array(256);
  #view = viewOf(this.#bytes);
  #length = 0;

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

  /** What `body` writes becomes the payload of one attribute with NLA_F_NESTED. */
  nest(type: number, body: (writer: this) => void): this {
    const start = this.#begin(type | NLA_F_NESTED, 0) - NLA_HDRLEN;
    body(this);
    const length = this.#length - start;
    if (length - NLA_HDRLEN > maxPayload) throw new RangeError(`attribute ${type} has ${length} bytes, at most 65535`);
    this.#view.setUint16(start, length, hostIsLittleEndian);
    return this;
  }

  /** All attributes so far, padded to four bytes: a copy. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Writes a header, reserves the payload with padding (zeros) and gives the payload's offset. */
  #begin(type: number, payloadLength: number): number {
    if (payloadLength > maxPayload) throw new RangeError(`attribute ${type} has ${payloadLength} bytes of payload`);
    const start = this.#length;
    const end = start + alignToFour(NLA_HDRLEN + payloadLength);
    if (end > this.#bytes.length) this.#grow(end);
    this.#view.setUint16(start, NLA_HDRLEN + payloadLength, hostIsLittleEndian);
    this.#view.setUint16(start + 2, type, hostIsLittleEndian);
    this.#length = end;
    return start + NLA_HDRLEN;
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
      const payloadStart = attribute.payload.byteOffset - bytes.byteOffset;
      const start = payloadStart - NLA_HDRLEN;
      if (offset >= start && offset < payloadStart + attribute.payload.length) return { attribute, start };
    }
  } catch {
    // Malformed from here on: the offset is in no attribute that can be named.
  }
  return undefined;
}
