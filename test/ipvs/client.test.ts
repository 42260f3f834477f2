import { expect } from 'chai';
import { describe, it } from 'mocha';
import { IpvsClient } from '../../lib/ipvs/client.ts';
import { FakeKernel } from '../../lib/testing/fake-kernel.ts';
import { ManualClock } from '../netlink/manual-clock.ts';
import { ipvsTableContract } from './contract.ts';

ipvsTableContract('IpvsClient over the fake kernel', async () => {
  const kernel = new FakeKernel();
  const clock = new ManualClock();
  const table = await IpvsClient.open(kernel.open, clock);
  return {
    table,
    async cleanup() {
      expect(kernel.openSockets).to.equal(0);
      expect(clock.armed).to.equal(0);
    },
  };
});

describe('IpvsClient', () => {
  it('gives the version and the size of the connection table', async () => {
    const client = await IpvsClient.open(new FakeKernel().open, new ManualClock());
    expect(await client.info()).to.deep.equal({ version: '1.2.1', connectionTableSize: 4096 });
    client.close();
  });
});
