/** A lock that ends with its process, however that ends (flock(2)). */
import { closeSync, openSync } from 'node:fs';
import { errnoNumber, systemCallError } from '../errors.ts';
import { LOCK_EX, LOCK_NB } from './native/abi.ts';
import { systemCalls } from './native/system-calls.ts';

const EWOULDBLOCK = errnoNumber('EWOULDBLOCK');

/** Locks the file, creating it with `mode` when missing. Gives the releasing function, or undefined when it is taken. */
export function lockFile(path: string, mode = 0o600): (() => void) | undefined {
  const fd = openSync(path, 'a', mode);
  const result = systemCalls().flock(fd, LOCK_EX | LOCK_NB);
  if (result >= 0) return () => closeSync(fd);
  closeSync(fd);
  if (result === -EWOULDBLOCK) return undefined;
  throw systemCallError(-result, { operation: 'lock', subject: path });
}
