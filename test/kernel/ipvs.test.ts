import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { BulkArguments, BulkResult } from '../lab/scenarios/bulk.ts';
import type { ContractResult } from '../lab/scenarios/contract.ts';
import type { OverrunsArguments, OverrunsResult } from '../lab/scenarios/overruns.ts';
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

  it('never takes a refused command for accepted when answers are lost, and does not wait for them', async () => {
    const args: OverrunsArguments = { bufferBytes: [0, 4096, 16384, 65536, 4 << 20], commands: 3000 };
    const { result } = await lab().run<OverrunsResult[]>('overruns', args, { timeLimitMs: 60_000 });
    for (const { bufferBytes, tookMs, right, unknown, overruns } of result) {
      console.log(
        `      receive buffer ${bufferBytes}: ${right} outcomes, ${unknown} unknown, ${overruns} overruns, ${tookMs} ms`,
      );
    }
    expect(result.map(({ wrong, timeouts }) => ({ wrong, timeouts }))).to.deep.equal(
      Array(args.bufferBytes.length).fill({ wrong: 0, timeouts: 0 }),
    );
    expect(result[0]!.overruns).to.be.greaterThan(0);
    expect(result.at(-1)).to.deep.include({ right: 3000, overruns: 0 });
  });

  it('applies 2,200 commands at least 5 times faster than ipvsadm -R', async () => {
    const args: BulkArguments = { services: 200, serversEach: 10, turns: 3 };
    const { result } = await lab().run<BulkResult>('bulk', args, { timeLimitMs: 110_000 });
    expect(result.commands).to.equal(2200);
    expect(result.same).to.equal(true);
    const ratios = result.oursMs.map((ours, turn) => result.ipvsadmMs[turn]! / ours);
    const median = ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)]!;
    console.log(
      `      ipvigil ${result.oursMs.join(', ')} ms; ipvsadm -R ${result.ipvsadmMs.join(', ')} ms ` +
        `(an idle ipvsadm ${result.ipvsadmIdleMs} ms); ${ratios.map((ratio) => ratio.toFixed(1)).join(', ')} times faster`,
    );
    console.log(
      `      reading them: ipvigil ${result.readMs.join(', ')} ms; ipvsadm -Sn ${result.ipvsadmReadMs.join(', ')} ms`,
    );
    expect(median, 'the median turn').to.be.at.least(5);
    expect(Math.max(...ratios), 'the best turn').to.be.at.least(5);
    // Each refusal is an answer of its own: the receive buffer must hold those of a whole send.
    expect(result.refusedAgain).to.equal(2200);
    expect(result.overruns).to.equal(0);
  });
});
