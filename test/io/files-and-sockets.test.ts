import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { ipAddress } from '../../lib/address/ip-address.ts';
import { IpvigilError } from '../../lib/errors.ts';
import { lockFile } from '../../lib/io/file-lock.ts';
import {
  AF_UNIX,
  encodeNetlinkSockaddr,
  encodeSockaddr,
  encodeUnixSockaddr,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from '../../lib/io/native/abi.ts';
import { systemCalls } from '../../lib/io/native/system-calls.ts';
import { openSyslog } from '../../lib/io/syslog-socket.ts';
import { runSource } from '../support/programs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipvigil-io-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('lockFile', () => {
  it('gives the lock to one, and to the next when it is released', () => {
    const path = join(folder, 'pid');
    const release = lockFile(path, 0o640);
    expect(statSync(path).mode & 0o777 & ~0o640).to.equal(0);
    expect(lockFile(path)).to.equal(undefined);
    release!();
    const again = lockFile(path);
    expect(again).to.be.a('function');
    again!();
  });

  it('does not close a stranger when it is released twice', () => {
    const release = lockFile(join(folder, 'pid'))!;
    release();
    const stranger = openSync(join(folder, 'stranger'), 'w');
    release();
    writeSync(stranger, 'still open');
    closeSync(stranger);
    expect(readFileSync(join(folder, 'stranger'), 'utf8')).to.equal('still open');
  });

  it('is released when its process ends, however it ends', async () => {
    const path = join(folder, 'pid');
    const module = JSON.stringify(new URL('../../lib/io/file-lock.js', import.meta.url).href);
    const holder = runSource(`
      const { lockFile } = await import(${module});
      lockFile(${JSON.stringify(path)});
      console.log('locked');
      setInterval(() => {}, 1000);
    `);
    await holder.output(/locked/);
    expect(lockFile(path)).to.equal(undefined);
    holder.child.kill('SIGKILL');
    await holder.ended;
    const release = lockFile(path);
    expect(release).to.be.a('function');
    release!();
  }).timeout(20_000);

  it('says which file it could not open', () => {
    expect(() => lockFile(join(folder, 'none', 'pid'))).to.throw(IpvigilError, /open .*\/none\/pid: ENOENT/);
  });
});

describe('openSyslog', () => {
  const calls = systemCalls();
  let receivers: number[];
  beforeEach(() => {
    receivers = [];
  });
  afterEach(() => {
    for (const fd of receivers) calls.close(fd);
  });

  function listenAt(path: string): number {
    const fd = calls.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    receivers.push(fd);
    expect(calls.bind(fd, encodeUnixSockaddr(path))).to.equal(0);
    return fd;
  }
  function received(fd: number): string | undefined {
    const buffer = new Uint8Array(200);
    const length = calls.recv(fd, buffer, 0);
    return length < 0 ? undefined : new TextDecoder().decode(buffer.subarray(0, length));
  }

  it('sends each message as one datagram', () => {
    const path = join(folder, 'log');
    const daemon = listenAt(path);
    const syslog = openSyslog(path);
    expect([syslog.send('<30>eins'), syslog.send('<30>zwei ü')]).to.deep.equal([true, true]);
    expect([received(daemon), received(daemon), received(daemon)]).to.deep.equal(['<30>eins', '<30>zwei ü', undefined]);
    syslog.close();
  });

  it('finds the daemon again after it was restarted', () => {
    const path = join(folder, 'log');
    calls.close(listenAt(path));
    receivers.length = 0;
    rmSync(path);
    const first = listenAt(path);
    const syslog = openSyslog(path);
    calls.close(first);
    receivers.length = 0;
    rmSync(path);
    expect(syslog.send('lost')).to.equal(false);
    const second = listenAt(path);
    expect(syslog.send('heard')).to.equal(true);
    expect(received(second)).to.equal('heard');
    syslog.close();
  });

  it('does not wait for a daemon that does not read', () => {
    const path = join(folder, 'log');
    listenAt(path);
    const syslog = openSyslog(path);
    let taken = 0;
    while (taken < 100_000 && syslog.send('x')) taken++;
    expect(taken).to.be.within(1, 99_999);
    syslog.close();
  });

  it('sends nothing after it was closed, and closes no stranger when closed twice', () => {
    const path = join(folder, 'log');
    listenAt(path);
    const syslog = openSyslog(path);
    syslog.close();
    const stranger = openSync(join(folder, 'stranger'), 'w');
    expect(syslog.send('not into the stranger')).to.equal(false);
    syslog.close();
    writeSync(stranger, 'still open');
    closeSync(stranger);
    expect(readFileSync(join(folder, 'stranger'), 'utf8')).to.equal('still open');
  });

  it('says where nobody listens', () => {
    expect(() => openSyslog(join(folder, 'log'))).to.throw(IpvigilError, /connect to .*\/log: ENOENT/);
  });
});

describe('socket addresses', () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

  it('have port and address in network order, and the family in host order', () => {
    expect(hex(encodeSockaddr({ address: ipAddress('192.0.2.1'), port: 0x1234 }))).to.equal(
      '02001234c00002010000000000000000',
    );
    expect(hex(encodeSockaddr({ address: ipAddress('2001:db8::1'), port: 443 }))).to.equal(
      '0a0001bb0000000020010db800000000000000000000000100000000',
    );
    expect(hex(encodeNetlinkSockaddr(0x01020304, 5))).to.equal('100000000403020105000000');
  });

  it('of a Unix socket hold 107 bytes of path, and refuse more', () => {
    expect(encodeUnixSockaddr('x'.repeat(107))[109]).to.equal(0);
    expect(() => encodeUnixSockaddr('x'.repeat(108))).to.throw(RangeError, 'longer than 107 bytes');
    expect(() => encodeUnixSockaddr('ü'.repeat(54))).to.throw(RangeError);
  });
});
