/** The demonstration's verdict and figures, from what was measured. Pure. */

import type { DemoResult } from './scenarios/demo.ts';
import type { LoadRecord } from './servers.ts';

export interface DemoStory {
  readonly removalMs: number;
  readonly returnMs: number;
  /** Requests by the moment they were started, and how many of them got no answer with status 200. */
  readonly phases: Readonly<Record<'before' | 'dying' | 'without' | 'after', { asked: number; failed: number }>>;
  /** What was not as it has to be; empty when all was well. */
  readonly faults: readonly string[];
}

const second = '192.168.10.72:80';

/** Judges a demonstration with real servers `rs1` and `rs2`, of which `rs2` died and came back. */
export function tellStory({ records, changes, killedAt, removedAt, returnedAt, addedAt }: DemoResult): DemoStory {
  const between = (from: number, to: number): LoadRecord[] => records.filter(({ at }) => at >= from && at < to);
  const before = between(0, killedAt).filter(({ endedAt }) => endedAt < killedAt);
  const dying = records.filter(({ at, endedAt }) => endedAt >= killedAt && at < removedAt);
  const without = between(removedAt, returnedAt);
  const after = between(addedAt, Number.POSITIVE_INFINITY);
  const faults: string[] = [];

  const failures = (phase: readonly LoadRecord[]): LoadRecord[] => phase.filter((record) => record.status !== 200);
  const describe = (phase: readonly LoadRecord[]): string =>
    failures(phase)
      .map((record) => record.failure ?? `status ${record.status}`)
      .join(', ');
  const inTurn = (name: string, phase: readonly LoadRecord[]): void => {
    const answers = phase.map((record) => record.answer);
    if (!answers.includes('rs1') || !answers.includes('rs2')) {
      faults.push(`${name}, requests were not answered by both real servers: ${answers.join(' ')}`);
    }
  };

  if (failures(before).length > 0) {
    faults.push(`before the death, requests failed: ${describe(before)}`);
  }
  inTurn('before the death', before);
  const repeated = before.findIndex((record, index) => index > 0 && record.answer === before[index - 1]!.answer);
  if (repeated > 0) {
    faults.push(`before the death, ${before[repeated]!.answer} answered twice in a row (scheduler rr)`);
  }
  if (failures(without).length > 0) {
    faults.push(`after the removal, requests failed: ${describe(without)}`);
  }
  const strays = without.filter(({ status, answer }) => status === 200 && answer !== 'rs1').length;
  if (without.length === 0 || strays > 0) {
    faults.push(`after the removal, ${strays} of ${without.length} requests were not answered by rs1`);
  }
  if (failures(after).length > 0) {
    faults.push(`after the return, requests failed: ${describe(after)}`);
  }
  inTurn('after the return', after);
  const others = changes.filter(
    (change) => change.at >= killedAt && !('destination' in change && change.destination === second),
  );
  for (const change of others) {
    faults.push(`something else than rs2 changed in the table: ${JSON.stringify(change)}`);
  }

  const count = (phase: readonly LoadRecord[]) => ({ asked: phase.length, failed: failures(phase).length });
  return {
    removalMs: removedAt - killedAt,
    returnMs: addedAt - returnedAt,
    phases: { before: count(before), dying: count(dying), without: count(without), after: count(after) },
    faults,
  };
}
