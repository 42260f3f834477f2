import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ipAddress } from '../../lib/address/ip-address.ts';
import { formatTable } from '../../lib/ipvs/format.ts';
import type { DestinationStatus, ServiceStatus } from '../../lib/ipvs/service.ts';

const info = { version: '1.2.1', connectionTableSize: 4096 };

function service(text: string, port: number, scheduler: string, more: Partial<ServiceStatus> = {}): ServiceStatus {
  const address = ipAddress(text);
  return {
    address,
    port,
    protocol: 'tcp',
    scheduler,
    persistenceTimeoutS: 0,
    onePacket: false,
    destinations: [],
    ...more,
  };
}

function server(text: string, port: number, weight: number, more: Partial<DestinationStatus> = {}): DestinationStatus {
  return { address: ipAddress(text), port, weight, forwarding: 'nat', uthreshold: 0, lthreshold: 0, ...more };
}

// Every line below was printed by ipvsadm 1.31 (Debian 12) over the same table.
const table: readonly ServiceStatus[] = [
  service('10.0.0.1', 53, 'rr', { protocol: 'udp', onePacket: true }),
  service('10.0.0.2', 80, 'wrr'),
  service('200.0.0.1', 80, 'wlc', { persistenceTimeoutS: 360 }),
  service('10.0.0.1', 443, 'wlc', {
    persistenceTimeoutS: 50,
    onePacket: true,
    deviation: { netmask: '255.255.255.0' },
  }),
  service('10.0.0.1', 80, 'sh', {
    deviation: { schedulerFlags: [1, 2] },
    destinations: [
      server('192.168.100.200', 65535, 2147483647, { activeConnections: 4000000000, inactiveConnections: 0 }),
      server('10.0.0.12', 80, 0, { forwarding: 'dr', activeConnections: 1, inactiveConnections: 1 }),
      server('10.0.0.11', 8080, 1, { forwarding: 'tun', activeConnections: 0, inactiveConnections: 2 }),
      server('10.0.0.11', 80, 100, { activeConnections: 12345678, inactiveConnections: 3 }),
    ],
  }),
  service('100.100.100.100', 65535, 'mh', { protocol: 'sctp', deviation: { schedulerFlags: [1] } }),
];

const header = [
  'IP Virtual Server version 1.2.1 (size=4096)',
  'Prot LocalAddress:Port Scheduler Flags',
  '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
];

describe('formatTable', () => {
  it('prints the bytes that ipvsadm -Ln prints, in its order', () => {
    expect(formatTable(table, { info }).split('\n')).to.deep.equal([
      ...header,
      'TCP  200.0.0.1:80 wlc persistent 360',
      'TCP  10.0.0.1:80 sh (sh-fallback,sh-port)',
      '  -> 192.168.100.200:65535        Masq    2147483647 4000000000 0         ',
      '  -> 10.0.0.11:80                 Masq    100    12345678   3         ',
      '  -> 10.0.0.11:8080               Tunnel  1      0          2         ',
      '  -> 10.0.0.12:80                 Route   0      1          1         ',
      'TCP  10.0.0.1:443 wlc persistent 50 mask 255.255.255.0 ops',
      'TCP  10.0.0.2:80 wrr',
      'UDP  10.0.0.1:53 rr ops',
      'SCTP 100.100.100.100:65535 mh (mh-fallback)',
      '',
    ]);
  });

  it('keeps the order of the table when it is asked to', () => {
    const lines = formatTable(table, { info, unsorted: true }).split('\n');
    expect(lines.filter((line) => /^[A-Z]{3,4} /.test(line)).map((line) => line.split(' ', 6).join(' '))).to.deep.equal(
      [
        'UDP  10.0.0.1:53 rr ops',
        'TCP  10.0.0.2:80 wrr',
        'TCP  200.0.0.1:80 wlc persistent 360',
        'TCP  10.0.0.1:443 wlc persistent 50',
        'TCP  10.0.0.1:80 sh (sh-fallback,sh-port)',
        'SCTP 100.100.100.100:65535 mh (mh-fallback)',
      ],
    );
  });

  it('prints flags that have no name with their number, persistence for no time, and forwarding that is none of ours', () => {
    const odd = service('10.0.0.1', 80, 'rr', {
      deviation: { schedulerFlags: [1, 3], persistentForNoTime: true },
      destinations: [server('10.0.0.11', 80, 1, { deviation: { forwarding: 'local' } })],
    });
    expect(formatTable([odd], { info }).split('\n').slice(3)).to.deep.equal([
      'TCP  10.0.0.1:80 rr (flag-1,flag-3) persistent 0',
      '  -> 10.0.0.11:80                 Local   1      0          0         ',
      '',
    ]);
  });

  it('puts brackets around IPv6 addresses, never cuts them, and lists IPv6 services last', () => {
    const six = service('2001:db8::1', 80, 'wrr', {
      destinations: [server('2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff', 8080, 1)],
    });
    expect(formatTable([six, table[1]!], { info }).split('\n').slice(3)).to.deep.equal([
      'TCP  10.0.0.2:80 wrr',
      'TCP  [2001:db8::1]:80 wrr',
      '  -> [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:8080 Masq    1      0          0         ',
      '',
    ]);
  });

  it('prints the header alone for an empty table', () => {
    expect(formatTable([], { info })).to.equal(`${header.join('\n')}\n`);
  });
});
