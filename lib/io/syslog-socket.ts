/** The local syslog daemon's datagram socket, which Node's net module cannot open. Never blocks. */
import { errnoNumber, systemCallError } from '../errors.ts';
import { AF_UNIX, encodeUnixSockaddr, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from './native/abi.ts';
import { systemCalls } from './native/system-calls.ts';

const EAGAIN = errnoNumber('EAGAIN');

export interface SyslogSocket {
  /** False when the message was not taken: the daemon is gone, its queue is full, or this is closed. */
  send(message: string): boolean;
  /** Idempotent. */
  close(): void;
}

/** Throws an IpvigilError where nothing listens. */
export function openSyslog(path = '/dev/log'): SyslogSocket {
  const calls = systemCalls();
  const open = (): number => {
    const fd = calls.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw systemCallError(-fd, { operation: 'open a socket for', subject: path });
    const result = calls.connect(fd, encodeUnixSockaddr(path));
    if (result >= 0) return fd;
    calls.close(fd);
    throw systemCallError(-result, { operation: 'connect to', subject: path });
  };
  const encoder = new TextEncoder();
  let fd = open();
  return {
    send: (message) => {
      if (fd < 0) return false;
      const bytes = encoder.encode(message);
      const sent = calls.send(fd, bytes, MSG_NOSIGNAL);
      if (sent >= 0) return true;
      if (sent === -EAGAIN) return false;
      try {
        // A restarted syslog daemon has a new socket behind the same path.
        const fresh = open();
        calls.close(fd);
        fd = fresh;
      } catch {
        return false;
      }
      return calls.send(fd, bytes, MSG_NOSIGNAL) >= 0;
    },
    close: () => {
      if (fd >= 0) calls.close(fd);
      fd = -1;
    },
  };
}
