/** Reads keepalived.conf from the disk, for the parser that opens nothing itself. */
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type FileText, type ParsedConf, parseKeepalivedConf, type ReadFile } from '../keepalived-compat/index.ts';
import { describeErrno } from '../lib/errors.ts';

/** The configuration of `file` as it is now; never throws for what stands in it. */
export function loadConfiguration(file: string, configId: string | undefined): ParsedConf {
  return parseKeepalivedConf({ file, read: diskReader, configId: configId ?? shortHostName() });
}

/** keepalived.conf(5): the default configuration id is the host name up to the first dot. */
function shortHostName(): string {
  return hostname().split('.')[0]!;
}

const diskReader: ReadFile = {
  text: readText,
  names(directory) {
    try {
      return readdirSync(directory);
    } catch {
      return undefined;
    }
  },
};

function readText(path: string, maxBytes: number): FileText {
  let fd: number | undefined;
  try {
    // Non-blocking, so that a FIFO in place of a file cannot hold us up.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (stat.isDirectory()) return { kind: 'directory' };
    if (!stat.isFile()) return { kind: 'not-regular' };
    if ((stat.mode & 0o111) !== 0) return { kind: 'executable' };
    if (stat.size > maxBytes) return { kind: 'too-large' };
    return { kind: 'text', text: readFileSync(fd, 'utf8') };
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { kind: 'missing' };
    if (errno === undefined) throw error;
    const { name, text } = describeErrno(-errno);
    return { kind: 'unreadable', reason: `${name} (${text})` };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
