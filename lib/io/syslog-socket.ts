/** The local syslog daemon's datagram socket, which Node's net module cannot open. Never blocks. */
import { systemCallError } from '../errors.ts';
import { AF_UNIX, encodeUnixSockaddr, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from './native/abi.ts';
import { systemCalls } from './native/system-calls.ts';

export interface SyslogSocket {
  /** False when the message was not taken: the daemon is gone, or its queue is full. */
  send(message: string): boolean;
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
      const bytes = encoder.encode(message);
      if (calls.send(fd, bytes, MSG_NOSIGNAL) >= 0) return true;
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
      calls.close(fd);
    },
  };
}
