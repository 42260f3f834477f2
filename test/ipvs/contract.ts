/** Wraps the contract of IpvsTable for mocha. The cases themselves need no mocha: contract-cases.ts. */
import { describe, it } from 'mocha';
import { serviceKey } from '../../lib/ipvs/service.ts';
import type { IpvsTable } from '../../lib/ipvs/table.ts';
import { contractCases, equal } from './contract-cases.ts';

export { type ContractCase, contractCases } from './contract-cases.ts';

/** The cases as mocha tests, each on a table of its own. */
export function ipvsTableContract(
  name: string,
  makeTable: () => Promise<{ readonly table: IpvsTable; cleanup(): Promise<void> }>,
): void {
  describe(`${name} keeps the contract of IpvsTable`, () => {
    for (const { name: claim, run } of contractCases) {
      it(claim, async () => {
        const { table, cleanup } = await makeTable();
        try {
          await run(table);
          const left = await table.read();
          equal(left.map(serviceKey), [], 'services left behind');
        } finally {
          table.close();
          await cleanup();
        }
      });
    }
  });
}
