/** One machine for all kernel tests of a mocha run: booted by the first that needs it, closed at the end. */
import { after, before } from 'mocha';
import { Lab } from '../lab/machine.ts';
import { LabUnavailable } from '../lab/unavailable.ts';

let booting: Promise<Lab | LabUnavailable> | undefined;

/**
 * For the body of a `describe`: boots the shared machine before its tests, and skips them with the reason where no
 * kernel with IPVS can be had. The function it gives may be called in tests and hooks, not before.
 */
export function useLab(): () => Lab {
  let lab: Lab | undefined;
  before(async function () {
    // A first run downloads 50 MB of packages.
    this.timeout(600_000);
    booting ??= Lab.boot({ progress: (line) => console.log(`    ${line}`) }).catch((error) => {
      if (error instanceof LabUnavailable) {
        return error;
      }
      throw error;
    });
    const answer = await booting;
    if (answer instanceof LabUnavailable) {
      skipWith(this, answer.message);
    } else {
      lab = answer;
    }
  });
  return () => {
    if (lab === undefined) {
      throw new Error('the lab is there once its before hook has run');
    }
    return lab;
  };
}

/** Skips a test, or from a `before` hook its whole suite, and leaves the reason where test/run/mocha.mjs finds it. */
export function skipWith(context: Mocha.Context, reason: string): never {
  const test = context.test as (Mocha.Runnable & { skipReason?: string; type?: string }) | undefined;
  const holder = (test?.type === 'hook' ? test.parent : test) as { skipReason?: string } | undefined;
  if (holder !== undefined) {
    holder.skipReason = reason;
  }
  return context.skip();
}

// A hook of the root suite, since only mocha knows when the last test has run.
after(async function () {
  this.timeout(30_000);
  const lab = await booting?.catch(() => undefined);
  if (lab instanceof Lab) {
    await lab.close();
  }
});
