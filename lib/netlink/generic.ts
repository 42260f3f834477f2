/** Generic netlink: the small header behind struct nlmsghdr, and the controller that turns a family's name into its id. */
import { AttributeWriter, attributesByType, readString, readU16, readU32 } from './attribute.ts';
import {
  CTRL_ATTR_FAMILY_ID,
  CTRL_ATTR_FAMILY_NAME,
  CTRL_ATTR_HDRSIZE,
  CTRL_ATTR_MAXATTR,
  CTRL_ATTR_VERSION,
  CTRL_CMD_GETFAMILY,
  CTRL_CMD_NEWFAMILY,
  GENL_HDRLEN,
  GENL_ID_CTRL,
} from './linux-genetlink.ts';
import { malformed } from './malformed.ts';

/** struct genlmsghdr and what follows it. */
export interface GenericMessage {
  /** 0..255, in the family's own numbering. */
  readonly command: number;
  readonly version: number;
  /** The attributes' bytes. */
  readonly attributes: Uint8Array;
}

/** The payload of a netlink message: u8 command, u8 version, u16 reserved (zero), attributes. */
export function encodeGeneric({ command, version, attributes }: GenericMessage): Uint8Array {
  const payload = new Uint8Array(GENL_HDRLEN + attributes.length);
  payload[0] = command;
  payload[1] = version;
  payload.set(attributes, GENL_HDRLEN);
  return payload;
}

/** The header of {@link encodeGeneric} for a message whose attributes are about to be written. */
export function writeGenericHeader(writer: AttributeWriter, command: number, version: number): void {
  writer.header(Uint8Array.of(command, version, 0, 0));
}

/** Throws ERR_NETLINK_MALFORMED when the payload is shorter than the header. The attributes are a view. */
export function decodeGeneric(payload: Uint8Array): GenericMessage {
  if (payload.length < GENL_HDRLEN) {
    throw malformed('generic netlink message', `${payload.length} bytes, its header has ${GENL_HDRLEN}`);
  }
  return { command: payload[0]!, version: payload[1]!, attributes: payload.subarray(GENL_HDRLEN) };
}

/** What the controller says about a family. */
export interface GenericFamily {
  /** The message type of the family's messages, as long as its module stays loaded. */
  readonly id: number;
  readonly name: string;
  readonly version: number;
  /** Bytes of a family header behind struct genlmsghdr; 0 for the families that we use. */
  readonly headerSize: number;
  /** The highest attribute type that the kernel knows at the top level. */
  readonly maxAttribute: number;
}

/** Message type and payload of CTRL_CMD_GETFAMILY. The kernel answers ENOENT when it has no such family. */
export function encodeGetFamily(name: string): { readonly type: number; readonly payload: Uint8Array } {
  const attributes = new AttributeWriter().string(CTRL_ATTR_FAMILY_NAME, name).finish();
  return { type: GENL_ID_CTRL, payload: encodeGeneric({ command: CTRL_CMD_GETFAMILY, version: 1, attributes }) };
}

/** Reads the answer to {@link encodeGetFamily}. Throws ERR_NETLINK_MALFORMED on anything else. */
export function decodeFamily(payload: Uint8Array): GenericFamily {
  const within = 'generic netlink family';
  const message = decodeGeneric(payload);
  if (message.command !== CTRL_CMD_NEWFAMILY) throw malformed(within, `command ${message.command}`);
  const attributes = attributesByType(message.attributes, within);
  const id = attributes.get(CTRL_ATTR_FAMILY_ID);
  const name = attributes.get(CTRL_ATTR_FAMILY_NAME);
  if (id === undefined || name === undefined) throw malformed(within, 'no id or no name');
  const version = attributes.get(CTRL_ATTR_VERSION);
  const headerSize = attributes.get(CTRL_ATTR_HDRSIZE);
  const maxAttribute = attributes.get(CTRL_ATTR_MAXATTR);
  return {
    id: readU16(id),
    name: readString(name),
    version: version === undefined ? 0 : readU32(version),
    headerSize: headerSize === undefined ? 0 : readU32(headerSize),
    maxAttribute: maxAttribute === undefined ? 0 : readU32(maxAttribute),
  };
}
