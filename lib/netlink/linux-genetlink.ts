/** Numbers of linux/genetlink.h (Linux 6.1), under their own names. */

/** sizeof(struct genlmsghdr). */
export const GENL_HDRLEN = 4;
/** Length of a family's name with its final NUL. */
export const GENL_NAMSIZ = 16;
/** The message type of the controller, which knows the families. */
export const GENL_ID_CTRL = 0x10;

export const CTRL_CMD_NEWFAMILY = 1;
export const CTRL_CMD_GETFAMILY = 3;

export const CTRL_ATTR_FAMILY_ID = 1;
export const CTRL_ATTR_FAMILY_NAME = 2;
export const CTRL_ATTR_VERSION = 3;
export const CTRL_ATTR_HDRSIZE = 4;
export const CTRL_ATTR_MAXATTR = 5;
