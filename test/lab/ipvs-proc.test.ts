import { expect } from 'chai';
import { describe, it } from 'mocha';
import { parseTable, tableChanges } from './ipvs-proc.ts';

const header = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
`;

const full = `${header}TCP  AC100A51:0050 rr  
  -> C0A80A48:0050      Masq    1      0          5         
  -> C0A80A47:0050      Masq    3      2          5         
UDP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0035 wlc ops 
  -> [2001:0db8:0000:0000:0000:0000:0000:0002]:0035      Route   0      0          0         
FWM  00000010 sh  persistent 300 FFFFFFFF
`;

describe('the text of /proc/net/ip_vs', () => {
  it('becomes services and destinations with readable addresses', () => {
    const table = parseTable(full);
    expect([...table.keys()]).to.deep.equal(['172.16.10.81:80/tcp', '[2001:db8::1]:53/udp', 'fwmark 16']);
    const first = table.get('172.16.10.81:80/tcp')!;
    expect(first.scheduler).to.equal('rr');
    expect([...first.destinations]).to.deep.equal([
      ['192.168.10.72:80', { forward: 'Masq', weight: 1 }],
      ['192.168.10.71:80', { forward: 'Masq', weight: 3 }],
    ]);
    expect([...table.get('[2001:db8::1]:53/udp')!.destinations]).to.deep.equal([
      ['[2001:db8::2]:53', { forward: 'Route', weight: 0 }],
    ]);
    expect(parseTable(header).size).to.equal(0);
  });

  it('with a line of another kind is refused rather than half read', () => {
    expect(() => parseTable(`${header}SOMETHING else\n`)).to.throw('neither a service nor a destination');
    expect(() => parseTable(`${header}  -> C0A80A48:0050 Masq 1 0 5\n`)).to.throw(
      'neither a service nor a destination',
    );
    expect(() => parseTable(`${header}TCP  AC100A:0050 rr\n`)).to.throw('an address of unknown form');
  });

  it('of two moments differs by what was added, removed and weighted anew, connection counts left aside', () => {
    const before = parseTable(full);
    const after = parseTable(`${header}TCP  AC100A51:0050 rr  
  -> C0A80A47:0050      Masq    2      9          9         
  -> C0A80A49:0050      Masq    1      0          0         
TCP  AC100A52:0050 rr  
`);
    const service = '172.16.10.81:80/tcp';
    expect(tableChanges(before, after)).to.deep.equal([
      { kind: 'destination-removed', service, destination: '192.168.10.72:80', weight: 1 },
      { kind: 'destination-removed', service: '[2001:db8::1]:53/udp', destination: '[2001:db8::2]:53', weight: 0 },
      { kind: 'service-removed', service: '[2001:db8::1]:53/udp' },
      { kind: 'service-removed', service: 'fwmark 16' },
      { kind: 'weight-changed', service, destination: '192.168.10.71:80', from: 3, weight: 2 },
      { kind: 'destination-added', service, destination: '192.168.10.73:80', weight: 1 },
      { kind: 'service-added', service: '172.16.10.82:80/tcp' },
    ]);
    expect(tableChanges(before, parseTable(full.replace('Masq    1      0', 'Masq    1      7')))).to.deep.equal([]);
  });
});
