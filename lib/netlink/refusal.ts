import { describeErrno, type ErrorDetails, IpvigilError } from '../errors.ts';
import type { Acknowledgement } from './message.ts';

/**
 * The error for a request that the kernel refused: ERR_PERMISSION for EPERM and EACCES, else ERR_NETLINK_REFUSED, with
 * errno and the kernel's own sentence in front of the caller's detail.
 */
export function refusalError(
  { errno: number, text }: Acknowledgement,
  details: Omit<ErrorDetails, 'errno'>,
): IpvigilError {
  const errno = describeErrno(number);
  const said = [text === undefined ? undefined : `the kernel says "${text}"`, details.detail];
  const detail = said.filter((part) => part !== undefined).join(', ');
  return new IpvigilError(
    errno.name === 'EPERM' || errno.name === 'EACCES' ? 'ERR_PERMISSION' : 'ERR_NETLINK_REFUSED',
    {
      ...details,
      errno,
      detail: detail === '' ? undefined : detail,
    },
  );
}
