/**
 * The byte order of this machine. Netlink headers and plain attributes are in host order; ports and addresses inside
 * IPVS attributes are in network order, and their codecs say so field by field.
 */

/** True on x86-64 and arm64 Linux, the machines that we ship for. Pass it as the last argument of DataView's methods. */
export const hostIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A view of exactly these bytes; offsets count from their start. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The next multiple of four: NLMSG_ALIGN and NLA_ALIGN. */
export function alignToFour(length: number): number {
  return (length + 3) & ~3;
}
