/**
 * Netlink messages: bytes to value, value to bytes (linux/netlink.h, struct nlmsghdr). All numbers are in host order.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------------------------------------------------------+
 * |              nlmsg_len: header and payload, no padding        |
 * +-------------------------------+-------------------------------+
 * |           nlmsg_type          |          nlmsg_flags          |
 * +-------------------------------+-------------------------------+
 * |                           nlmsg_seq                           |
 * +---------------------------------------------------------------+
 * |               nlmsg_pid: the port id of the socket            |
 * +---------------------------------------------------------------+
 * |                payload, padded to four bytes ...              |
 * ```
 */
import { decodeAttributes, readString, readU32 } from './attribute.ts';
import { alignToFour, hostIsLittleEndian, viewOf } from './byte-order.ts';
import {
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLMSG_DONE,
  NLMSG_HDRLEN,
  NLMSGERR_ATTR_MISS_NEST,
  NLMSGERR_ATTR_MISS_TYPE,
  NLMSGERR_ATTR_MSG,
  NLMSGERR_ATTR_OFFS,
} from './linux-netlink.ts';
import { malformed } from './malformed.ts';

export interface NetlinkMessage {
  /** NLMSG_* below 16, a family's id above. */
  readonly type: number;
  /** NLM_F_*. */
  readonly flags: number;
  /** 0..4294967295. */
  readonly sequence: number;
  /** Port id of the socket; 0 in requests lets the kernel fill it in. */
  readonly portId: number;
  /** Without header and padding. A view of the bytes that were decoded, not a copy. */
  readonly payload: Uint8Array;
}

/** Bytes of one message with header and padding. */
export function messageSize(payloadLength: number): number {
  return alignToFour(NLMSG_HDRLEN + payloadLength);
}

/** The messages one behind the other, each padded to four bytes: what one send hands to the kernel. */
export function encodeMessages(messages: readonly NetlinkMessage[]): Uint8Array {
  const bytes = new Uint8Array(messages.reduce((size, { payload }) => size + messageSize(payload.length), 0));
  const view = viewOf(bytes);
  let offset = 0;
  for (const { type, flags, sequence, portId, payload } of messages) {
    view.setUint32(offset, NLMSG_HDRLEN + payload.length, hostIsLittleEndian);
    view.setUint16(offset + 4, type, hostIsLittleEndian);
    view.setUint16(offset + 6, flags, hostIsLittleEndian);
    view.setUint32(offset + 8, sequence, hostIsLittleEndian);
    view.setUint32(offset + 12, portId, hostIsLittleEndian);
    bytes.set(payload, offset + NLMSG_HDRLEN);
    offset += messageSize(payload.length);
  }
  return bytes;
}

/** Requests that change something, encoded as they are sent: what {@link NetlinkConn.batch} takes. */
export interface CommandList {
  /** Whole messages, padded to four bytes, with NLM_F_REQUEST. The connection writes flags and sequence numbers in. */
  readonly bytes: Uint8Array;
  /** Where each message ends, padding included; it begins where the one before ends. */
  readonly ends: readonly number[];
}

/** Writes sequence number and flags into the header of the message that begins at `start`. */
export function stampMessage(view: DataView, start: number, sequence: number, flags: number): void {
  view.setUint16(start + 6, flags, hostIsLittleEndian);
  view.setUint32(start + 8, sequence, hostIsLittleEndian);
}

/**
 * The messages of one datagram, in order. Throws ERR_NETLINK_MALFORMED at the first one that does not fit into the
 * bytes; the messages before it have been given already. Padding after the last message may be missing.
 */
export function* decodeMessages(bytes: Uint8Array): Generator<NetlinkMessage, void, undefined> {
  const view = viewOf(bytes);
  let offset = 0;
  while (offset < bytes.length) {
    const left = bytes.length - offset;
    if (left < NLMSG_HDRLEN) throw malformed('netlink message', `${left} bytes left, a header has ${NLMSG_HDRLEN}`);
    const length = view.getUint32(offset, hostIsLittleEndian);
    if (length < NLMSG_HDRLEN || length > left) {
      throw malformed('netlink message', `nlmsg_len ${length} is not within ${NLMSG_HDRLEN}..${left}`);
    }
    yield {
      type: view.getUint16(offset + 4, hostIsLittleEndian),
      flags: view.getUint16(offset + 6, hostIsLittleEndian),
      sequence: view.getUint32(offset + 8, hostIsLittleEndian),
      portId: view.getUint32(offset + 12, hostIsLittleEndian),
      payload: bytes.subarray(offset + NLMSG_HDRLEN, offset + length),
    };
    offset += alignToFour(length);
  }
}

/** What the kernel says about a request in NLMSG_ERROR or at the end of a dump. */
export interface Acknowledgement {
  /** Positive errno; 0 means accepted. */
  readonly errno: number;
  /** The kernel's own sentence (NLMSGERR_ATTR_MSG), without its final NUL. */
  readonly text?: string;
  /** Where in the request the kernel found fault, in bytes from the start of its header (NLMSGERR_ATTR_OFFS). */
  readonly offset?: number;
  /** The type of the attribute that is missing (NLMSGERR_ATTR_MISS_TYPE). */
  readonly missingType?: number;
  /** Where the nest begins in which it is missing; absent for the top level (NLMSGERR_ATTR_MISS_NEST). */
  readonly missingNest?: number;
}

/**
 * Reads NLMSG_ERROR (struct nlmsgerr: int error, the request's header, then the request unless NLM_F_CAPPED, then
 * attributes if NLM_F_ACK_TLVS) and NLMSG_DONE (int error, then attributes). Throws ERR_NETLINK_MALFORMED when even the
 * errno is not there; faulty attributes behind it are ignored, as the verdict itself is known.
 */
export function decodeAcknowledgement(message: NetlinkMessage): Acknowledgement {
  const { payload } = message;
  const done = message.type === NLMSG_DONE;
  if (payload.length < 4) {
    // Kernels before 2.6.19 ended dumps without a code.
    if (done && payload.length === 0) return { errno: 0 };
    throw malformed('netlink acknowledgement', `${payload.length} bytes, an errno has 4`);
  }
  const view = viewOf(payload);
  const error = view.getInt32(0, hostIsLittleEndian);
  if (error > 0) throw malformed('netlink acknowledgement', `error ${error} is positive`);
  const errno = error === 0 ? 0 : -error;
  if ((message.flags & NLM_F_ACK_TLVS) === 0) return { errno };

  let start = 4;
  if (!done) {
    if (payload.length < 4 + NLMSG_HDRLEN) return { errno };
    const requestLength = view.getUint32(4, hostIsLittleEndian);
    const repeated = (message.flags & NLM_F_CAPPED) === 0 ? Math.max(requestLength, NLMSG_HDRLEN) : NLMSG_HDRLEN;
    start = 4 + (repeated > payload.length ? payload.length : alignToFour(repeated));
  }
  return start >= payload.length ? { errno } : { errno, ...decodeExtendedAck(payload.subarray(start)) };
}

function decodeExtendedAck(bytes: Uint8Array): Omit<Acknowledgement, 'errno'> {
  const details: { text?: string; offset?: number; missingType?: number; missingNest?: number } = {};
  try {
    for (const attribute of decodeAttributes(bytes, 'extended acknowledgement')) {
      if (attribute.type === NLMSGERR_ATTR_MSG) details.text = readString(attribute);
      else if (attribute.type === NLMSGERR_ATTR_OFFS) details.offset = readU32(attribute);
      else if (attribute.type === NLMSGERR_ATTR_MISS_TYPE) details.missingType = readU32(attribute);
      else if (attribute.type === NLMSGERR_ATTR_MISS_NEST) details.missingNest = readU32(attribute);
    }
  } catch {
    // Only decodeAttributes and the readers throw here, and only to say that the bytes are malformed.
  }
  return details;
}
