import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ipAddress } from '../../lib/address/ip-address.ts';
import { formatCommandLine } from '../../lib/ipvs/command.ts';
import { MemoryTable } from '../../lib/ipvs/memory-table.ts';
import type { ServiceSettings } from '../../lib/ipvs/service.ts';
import { ipvsTableContract } from './contract.ts';

ipvsTableContract('MemoryTable', async () => ({ table: new MemoryTable(), async cleanup() {} }));

const service: ServiceSettings = {
  address: ipAddress('10.0.0.1'),
  port: 53,
  protocol: 'udp',
  scheduler: 'rr',
  persistenceTimeoutS: 0,
  onePacket: true,
};

describe('MemoryTable', () => {
  it('tells of each command as it is carried out or refused, in order', async () => {
    const lines: string[] = [];
    const table = new MemoryTable({
      record: ({ command, error }) => lines.push(`${formatCommandLine(0.5, command)} ${error?.errno?.name ?? 'ok'}`),
    });
    const outcomes = await table.apply([
      { kind: 'NEW_SERVICE', service },
      { kind: 'NEW_SERVICE', service },
      { kind: 'DEL_DEST', service, destination: { address: ipAddress('2001:db8::1'), port: 53 } },
    ]);
    expect(lines).to.deep.equal([
      '0.500 NEW_SERVICE UDP 10.0.0.1:53 ok',
      '0.500 NEW_SERVICE UDP 10.0.0.1:53 EEXIST',
      '0.500 DEL_DEST UDP 10.0.0.1:53 [2001:db8::1]:53 0 ENOENT',
    ]);
    expect(outcomes.map(({ error }) => error?.errno?.name)).to.deep.equal([undefined, 'EEXIST', 'ENOENT']);
  });

  it('begins with the table that it is given', async () => {
    const table = new MemoryTable({ services: [{ ...service, destinations: [] }] });
    expect(await table.read()).to.deep.equal([{ ...service, destinations: [] }]);
  });

  it('rejects after close', async () => {
    const table = new MemoryTable();
    table.close();
    const codes = await Promise.all(
      [table.read(), table.apply([])].map((promise) =>
        promise.then(
          () => 'ok',
          (error: { code: string }) => error.code,
        ),
      ),
    );
    expect(codes).to.deep.equal(['ERR_NETLINK_CLOSED', 'ERR_NETLINK_CLOSED']);
  });
});
