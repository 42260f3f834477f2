/** The contract of an IPVS table, on the real kernel. */

import { execFileSync } from 'node:child_process';
import { openIpvs } from '../../../lib/index.ts';
import { contractCases } from '../../ipvs/contract-cases.ts';
import type { ScenarioContext } from '../scenario.ts';

/** The cases by name; `undefined` for one that held, else what went wrong. */
export type ContractResult = readonly { readonly name: string; readonly failure?: string }[];

export async function run(context: ScenarioContext): Promise<ContractResult> {
  // Without a local routing table the kernel takes no address for a single host's.
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  const results: { name: string; failure?: string }[] = [];
  for (const { name, run } of contractCases) {
    execFileSync('ipvsadm', ['-C']);
    const table = await openIpvs();
    try {
      await run(table);
      results.push({ name });
    } catch (error) {
      context.log(`${name}: ${error instanceof Error ? error.stack : error}`);
      results.push({ name, failure: error instanceof Error ? error.message : String(error) });
    } finally {
      table.close();
    }
  }
  return results;
}
