/**
 * The run directory: which services of the kernel's table are ours. The record outlives a kill -9, so that the next start
 * can take away what has left the configuration, and never touches what somebody else put there.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type ErrorCode, IpvigilError } from '../lib/errors.ts';
import { lockFile } from '../lib/io/file-lock.ts';
import type { OwnershipRecord } from '../lib/runtime/director-runner.ts';

const RECORD_FILE = 'ipvs-services.json';
const LOCK_FILE = 'ipvs-services.lock';
/** 10,000 services take about 300 KiB. */
const MAX_RECORD_BYTES = 64 << 20;

interface RecordContent {
  readonly version: 1;
  /** As serviceKey gives them: `10.0.0.1:80/tcp`. */
  readonly services: readonly string[];
}

/** Creates the directory in an existing one when missing (mode 0755). Throws an IpvigilError that names it. */
export function makeRunDirectory(directory: string): void {
  attempt('create run directory', directory, () => {
    try {
      // Not `recursive`: for a parent that answers ENOENT (as /proc does) Node 20 tries for ever.
      mkdirSync(directory, { mode: 0o755 });
    } catch (error) {
      if (!isErrno(error, 'EEXIST') || !statSync(directory).isDirectory()) throw error;
    }
  });
}

/** Whether an earlier run left services that are ours. */
export function hasRecord(directory: string): boolean {
  return new FileOwnershipRecord(directory).load().size > 0;
}

/**
 * Takes the lock on the table of this run directory for as long as the process lives. Undefined: another process has it.
 */
export function lockRunDirectory(directory: string): (() => void) | undefined {
  return attempt('lock run directory', directory, () => lockFile(join(directory, LOCK_FILE)));
}

export class FileOwnershipRecord implements OwnershipRecord {
  readonly #path: string;
  #saved: string | undefined;

  constructor(directory: string) {
    this.#path = join(directory, RECORD_FILE);
  }

  load(): ReadonlySet<string> {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return new Set();
      throw fileError('read', this.#path, error);
    }
    const services = parseRecord(text);
    if (services === undefined) {
      throw new IpvigilError('ERR_INVALID_ARGUMENT', {
        operation: 'read the record of our services in',
        subject: this.#path,
        detail: 'it is damaged',
        hint: 'remove the file; services that have left the configuration since then must be removed by hand',
      });
    }
    this.#saved = text;
    return new Set(services);
  }

  /** On the disk when this returns: written to a temporary name, synced, renamed. */
  save(keys: ReadonlySet<string>): void {
    const content: RecordContent = { version: 1, services: [...keys].sort() };
    const text = `${JSON.stringify(content, undefined, 1)}\n`;
    if (text === this.#saved) return;
    const temporary = `${this.#path}.new`;
    attempt('write', this.#path, () => {
      const fd = openSync(temporary, 'w', 0o600);
      try {
        writeSync(fd, text);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, this.#path);
    });
    this.#saved = text;
  }
}

/** For `--dry-run`: nothing outlives the process. */
export class MemoryOwnershipRecord implements OwnershipRecord {
  #keys: ReadonlySet<string> = new Set();

  load(): ReadonlySet<string> {
    return this.#keys;
  }

  save(keys: ReadonlySet<string>): void {
    this.#keys = keys;
  }
}

function parseRecord(text: string): readonly string[] | undefined {
  if (text.length > MAX_RECORD_BYTES) return undefined;
  try {
    const content = JSON.parse(text) as Partial<RecordContent> | null;
    const services = content?.version === 1 ? content.services : undefined;
    return Array.isArray(services) && services.every((key) => typeof key === 'string') ? services : undefined;
  } catch {
    return undefined;
  }
}

function attempt<T>(operation: string, subject: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw error instanceof IpvigilError ? error : fileError(operation, subject, error);
  }
}

/** An error of node:fs in our own form. */
export function fileError(operation: string, subject: string, cause: unknown): IpvigilError {
  const denied = isErrno(cause, 'EACCES') || isErrno(cause, 'EPERM') || isErrno(cause, 'EROFS');
  const code: ErrorCode = denied ? 'ERR_PERMISSION' : 'ERR_SYSTEM_CALL';
  const detail = cause instanceof Error ? cause.message.replace(/, \w+ '.*$/, '') : String(cause);
  return new IpvigilError(code, {
    operation,
    subject,
    detail,
    hint: denied ? 'run as root, or name another directory with --run-dir' : undefined,
    cause,
  });
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
