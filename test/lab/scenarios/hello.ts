/** The smallest scenario: says where it runs. */
import { execFileSync } from 'node:child_process';
import { release } from 'node:os';
import type { ScenarioContext } from '../scenario.ts';

export interface Hello {
  readonly kernel: string;
  readonly table: string;
  readonly echo: unknown;
}

export async function run(context: ScenarioContext, args: unknown): Promise<Hello> {
  context.log(`scratch folder ${context.scratch}`);
  const table = execFileSync('ipvsadm', ['-Ln'], { encoding: 'utf8' });
  return { kernel: release(), table, echo: args };
}
