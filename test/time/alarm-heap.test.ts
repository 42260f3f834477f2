import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { AlarmHeap, type HeapAlarm } from '../../lib/time/alarm-heap.ts';

type Operation =
  | { readonly kind: 'add'; readonly deadline: number }
  | { readonly kind: 'remove'; readonly which: number }
  | { readonly kind: 'take'; readonly now: number };

const operation: fc.Arbitrary<Operation> = fc.oneof(
  // Few values, so that equal deadlines are common.
  fc.record({ kind: fc.constant('add' as const), deadline: fc.integer({ min: 0, max: 20 }) }),
  fc.record({ kind: fc.constant('add' as const), deadline: fc.double({ min: 0, max: 1e9, noNaN: true }) }),
  fc.record({ kind: fc.constant('remove' as const), which: fc.nat(100) }),
  fc.record({ kind: fc.constant('take' as const), now: fc.integer({ min: -1, max: 25 }) }),
);

describe('AlarmHeap', () => {
  it('gives what a sorted list gives, whatever is added, removed and taken', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
        const heap = new AlarmHeap();
        const model: HeapAlarm[] = [];
        const everAdded: HeapAlarm[] = [];
        for (const step of operations) {
          if (step.kind === 'add') {
            const alarm = heap.add(step.deadline, () => {});
            model.push(alarm);
            everAdded.push(alarm);
          } else if (step.kind === 'remove') {
            // Also those that have left: then nothing may happen.
            const alarm = everAdded[step.which % Math.max(1, everAdded.length)];
            if (alarm === undefined) continue;
            heap.remove(alarm);
            const at = model.indexOf(alarm);
            if (at >= 0) model.splice(at, 1);
          } else {
            const taken = heap.takeDue(step.now);
            const nearest = Math.min(...model.map(({ deadline }) => deadline));
            if (nearest > step.now) expect(taken).to.equal(undefined);
            else {
              expect(taken?.deadline).to.equal(nearest);
              model.splice(model.indexOf(taken!), 1);
            }
          }
          expect(heap.size).to.equal(model.length);
          expect(heap.nearest).to.equal(Math.min(...model.map(({ deadline }) => deadline)));
        }
        const drained: HeapAlarm[] = [];
        for (let alarm = heap.takeDue(Infinity); alarm !== undefined; alarm = heap.takeDue(Infinity))
          drained.push(alarm);
        expect(drained.every((alarm) => model.includes(alarm))).to.equal(true);
        expect(drained.map(({ deadline }) => deadline)).to.deep.equal(
          model.map(({ deadline }) => deadline).sort((a, b) => a - b),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('has no nearest deadline when it is empty', () => {
    const heap = new AlarmHeap();
    expect(heap.nearest).to.equal(Number.POSITIVE_INFINITY);
    expect(heap.takeDue(Number.MAX_VALUE)).to.equal(undefined);
  });

  it('takes an alarm whose deadline is exactly now', () => {
    const heap = new AlarmHeap();
    const alarm = heap.add(5, () => {});
    expect(heap.takeDue(4.999)).to.equal(undefined);
    expect(heap.takeDue(5)).to.equal(alarm);
  });
});
