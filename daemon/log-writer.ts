/** Where main's log lines go: standard error, or the local syslog daemon. */
import { writeSync } from 'node:fs';
import { IpvigilError } from '../lib/errors.ts';
import { openSyslog } from '../lib/io/syslog-socket.ts';
import type { LogLevel, LogLine } from './log.ts';

export interface LogWriter {
  /** `ident` says which process: `ipvigild`, `checkers`. */
  write(ident: string, line: LogLine): void;
}

/** RFC 5424 severities; the facility is daemon (3). */
const severities: Record<LogLevel, number> = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 };
const FACILITY_DAEMON = 3 << 3;

/** Control characters (of a real server's answer, of a file name) never reach a terminal or split a line. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

export function consoleLog(): LogWriter {
  return {
    write(ident, { level, text }) {
      const time = new Date().toISOString().replace('T', ' ').replace('Z', '');
      const mark = level === 'error' || level === 'warning' ? `${level}: ` : '';
      writeStderr(`${time} ${ident}: ${mark}${printable(text)}\n`);
    },
  };
}

/** Syslog where a daemon listens, else standard error. */
export function systemLog(): LogWriter {
  try {
    const socket = openSyslog();
    return {
      write(ident, { level, text }) {
        const name = ident === 'ipvigild' ? ident : `ipvigild_${ident}`;
        socket.send(`<${FACILITY_DAEMON | severities[level]}>${name}[${process.pid}]: ${printable(text)}`);
      },
    };
  } catch (error) {
    if (!(error instanceof IpvigilError)) throw error;
    return consoleLog();
  }
}

/** Text as it is, for diagnostics with their source lines. A reader that went away does not end the daemon. */
export function writeStderr(text: string): void {
  try {
    writeSync(2, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EPIPE' && code !== 'EAGAIN' && code !== 'EBADF') throw error;
  }
}
