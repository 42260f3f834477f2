/** Scenarios that go wrong, to see that the lab survives them. */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ScenarioContext } from '../scenario.ts';

export type Misbehaviour =
  /** Waits for ever, with a child that ignores everything but SIGKILL. */
  | { readonly kind: 'hang' }
  /** Never gives the event loop back. */
  | { readonly kind: 'spin' }
  | { readonly kind: 'throw' }
  | { readonly kind: 'exit' }
  /** Takes the whole guest down. */
  | { readonly kind: 'panic' };

export async function run(context: ScenarioContext, { kind }: Misbehaviour): Promise<void> {
  context.log(`about to ${kind}`);
  switch (kind) {
    case 'hang':
      spawn('/bin/sh', ['-c', 'trap "" TERM INT HUP; while :; do sleep 1; done'], { stdio: 'ignore', detached: true });
      await sleep(1e9);
      break;
    case 'spin':
      for (;;) {}
    case 'throw':
      throw new TypeError('thrown on purpose');
    case 'exit':
      process.exit(3);
      break;
    case 'panic':
      fs.writeFileSync('/proc/sysrq-trigger', 'c');
      await sleep(1e9);
  }
}
