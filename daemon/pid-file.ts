/** The pid file: decimal pid and newline, mode 0644, locked while the daemon runs, removed at its end. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { IpvigilError } from '../lib/errors.ts';
import { lockFile } from '../lib/io/file-lock.ts';
import { fileError } from './run-directory.ts';

/** Gives the function that removes the file. Throws an IpvigilError when it cannot be written or another process runs. */
export function takePidFile(path: string): () => void {
  try {
    const release = lockFile(path, 0o644);
    if (release === undefined) {
      throw new IpvigilError('ERR_INVALID_ARGUMENT', {
        operation: 'lock pid file',
        subject: path,
        detail: `ipvigild is already running as process ${readFileSync(path, 'utf8').trim() || '?'}`,
        hint: 'stop it first, or give this one its own --run-dir',
      });
    }
    writeFileSync(path, `${process.pid}\n`);
    return () => {
      rmSync(path, { force: true });
      release();
    };
  } catch (error) {
    throw error instanceof IpvigilError ? error : fileError('write pid file', path, error);
  }
}
