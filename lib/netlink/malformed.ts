import { IpvigilError } from '../errors.ts';

/**
 * The one error of the decoders, ERR_NETLINK_MALFORMED. `what` is what was being read (`service attributes`), `detail`
 * what was wrong with it, with the values.
 */
export function malformed(what: string, detail: string): IpvigilError {
  return new IpvigilError('ERR_NETLINK_MALFORMED', { operation: `decode ${what}`, detail });
}
