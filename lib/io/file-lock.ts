/** A lock that ends with its process, however that ends (flock(2)). */
import { closeSync, openSync } from 'node:fs';
import { errnoNumber, systemCallError } from '../errors.ts';
import { LOCK_EX, LOCK_NB } from './native/abi.ts';
import { systemCalls } from './native/system-calls.ts';

const EWOULDBLOCK = errnoNumber('EWOULDBLOCK');

/**
 * Locks the file, creating it with `mode` when missing. Gives the releasing function (idempotent), or undefined when the
 * lock is taken. Throws an IpvigilError when the file cannot be opened or locked.
 */
export function lockFile(path: string, mode = 0o600): (() => void) | undefined {
  const fd = open(path, mode);
  const result = systemCalls().flock(fd, LOCK_EX | LOCK_NB);
  if (result >= 0) {
    let held = true;
    return () => {
      // The number may be another file's by now.
      if (held) closeSync(fd);
      held = false;
    };
  }
  closeSync(fd);
  if (result === -EWOULDBLOCK) return undefined;
  throw systemCallError(-result, { operation: 'lock', subject: path });
}

function open(path: string, mode: number): number {
  try {
    return openSync(path, 'a', mode);
  } catch (cause) {
    const { errno } = cause as NodeJS.ErrnoException;
    if (errno === undefined) throw cause;
    throw systemCallError(Math.abs(errno), { operation: 'open', subject: path, cause });
  }
}
