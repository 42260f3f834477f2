import { expect } from 'chai';
import { describe, it } from 'mocha';
import { tellStory } from './demo-story.ts';
import type { DemoResult } from './scenarios/demo.ts';
import type { LoadRecord } from './servers.ts';

function answers(from: number, names: readonly string[]): LoadRecord[] {
  return names.map((name, index) => {
    const at = from + index * 100;
    return name.startsWith('rs')
      ? { at, endedAt: at + 5, status: 200, answer: name }
      : { at, endedAt: at + 5, failure: name };
  });
}

/** Death at 1000, removal at 2500, return at 4000, in the table again at 5000. */
function good(): DemoResult {
  return {
    records: [
      ...answers(100, ['rs1', 'rs2', 'rs1', 'rs2']),
      ...answers(1100, ['rs1', 'ECONNREFUSED', 'rs1', 'ECONNREFUSED']),
      ...answers(2600, ['rs1', 'rs1', 'rs1']),
      ...answers(5100, ['rs2', 'rs1', 'rs2']),
    ],
    changes: [
      { kind: 'destination-removed', service: 's', destination: '192.168.10.72:80', weight: 1, at: 2500, after: 2497 },
      { kind: 'destination-added', service: 's', destination: '192.168.10.72:80', weight: 1, at: 5000, after: 4997 },
    ],
    killedAt: 1000,
    removedAt: 2500,
    returnedAt: 4000,
    addedAt: 5000,
  };
}

describe("the demonstration's verdict", () => {
  it('finds no fault where the dead server was taken out and put back, and counts by phase', () => {
    expect(tellStory(good())).to.deep.equal({
      removalMs: 1500,
      returnMs: 1000,
      phases: {
        before: { asked: 4, failed: 0 },
        dying: { asked: 4, failed: 2 },
        without: { asked: 3, failed: 0 },
        after: { asked: 3, failed: 0 },
      },
      faults: [],
    });
  });

  const spoiled: [name: string, spoil: (result: DemoResult) => DemoResult, fault: RegExp][] = [
    [
      'a request that failed after the removal',
      (result) => ({ ...result, records: [...result.records, ...answers(3000, ['timeout'])] }),
      /after the removal, requests failed: timeout/,
    ],
    [
      'an answer of the dead server after the removal',
      (result) => ({ ...result, records: [...result.records, ...answers(3000, ['rs2'])] }),
      /1 of 4 requests were not answered by rs1/,
    ],
    [
      'a server that answered twice in a row before the death',
      (result) => ({ ...result, records: [...answers(10, ['rs1']), ...result.records] }),
      /rs1 answered twice in a row/,
    ],
    [
      'a failure before the death',
      (result) => ({ ...result, records: [...answers(10, ['ECONNRESET']), ...result.records] }),
      /before the death, requests failed: ECONNRESET/,
    ],
    [
      'a returned server that gets no requests',
      (result) => ({ ...result, records: result.records.filter(({ at, answer }) => at < 5000 || answer === 'rs1') }),
      /after the return, requests were not answered by both/,
    ],
    [
      'another change of the table',
      (result) => ({
        ...result,
        changes: [...result.changes, { kind: 'service-removed', service: 's', at: 2600, after: 2597 }],
      }),
      /something else than rs2 changed in the table/,
    ],
    [
      'a phase without requests',
      (result) => ({ ...result, records: result.records.filter(({ at }) => at < 2500 || at > 4000) }),
      /0 of 0 requests/,
    ],
  ];
  for (const [name, spoil, fault] of spoiled) {
    it(`names ${name}`, () => {
      const { faults } = tellStory(spoil(good()));
      expect(faults).to.have.length(1);
      expect(faults[0]).to.match(fault);
    });
  }
});
