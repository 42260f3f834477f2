// Runs compiled test files with mocha and writes the totals to a file: `mocha.mjs TOTALS-FILE [--grep=TEXT] FILE...`.
// A test that did not run because a hook failed counts as failed; a skipped one is listed with its reason, which
// skipWith() of test/kernel/shared-lab.ts leaves on the test or its suite as `skipReason`.
import fs from 'node:fs';
import Mocha from 'mocha';
import { root } from './steps.mjs';

const [totalsFile, ...rest] = process.argv.slice(2);
const grep = rest.find((word) => word.startsWith('--grep='))?.slice('--grep='.length);
const files = rest.filter((word) => !word.startsWith('--'));
const longestFailure = 120;
const lingerMs = 15_000;

function bounded(text) {
  const lines = String(text).split('\n');
  return lines.length <= longestFailure
    ? text
    : [
        ...lines.slice(0, longestFailure / 2),
        `... ${lines.length - longestFailure} lines left out ...`,
        ...lines.slice(-longestFailure / 2),
      ].join('\n');
}

function reasonOf(test) {
  for (let each = test; each !== undefined; each = each.parent) {
    if (each.skipReason !== undefined) {
      return each.skipReason;
    }
  }
  return 'no reason given';
}

const mocha = new Mocha({
  reporter: 'spec',
  color: process.stdout.isTTY === true,
  forbidOnly: process.env.CI === 'true',
  ...(grep === undefined ? {} : { grep }),
});
for (const file of files) {
  mocha.addFile(file);
}
process.chdir(root);
await mocha.loadFilesAsync();

const counts = { passed: 0, failed: 0, skipped: 0 };
const reasons = new Map();
const ended = new Set();
const runner = mocha.run(() => {
  let notRun = 0;
  const visit = (suite) => {
    for (const test of suite.tests) {
      if (!ended.has(test) && (grep === undefined || test.fullTitle().includes(grep))) {
        notRun += 1;
      }
    }
    suite.suites.forEach(visit);
  };
  visit(mocha.suite);
  if (notRun > 0) {
    console.log(`${notRun} tests did not run because a hook failed; they count as failed\n`);
    // The failed hook stands for one of them.
    counts.failed += Math.max(0, notRun - hooksFailed);
  }
  if (reasons.size > 0) {
    console.log('Skipped:');
    for (const [reason, titles] of reasons) {
      console.log(`  ${titles.length} because ${reason}`);
      for (const title of titles) {
        console.log(`    - ${title}`);
      }
    }
    console.log('');
  }
  fs.writeFileSync(totalsFile, JSON.stringify(counts));
  process.exitCode = counts.failed > 0 ? 1 : 0;
  setTimeout(() => {
    console.log(`the tests left something open: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(97);
  }, lingerMs).unref();
});
let hooksFailed = 0;
runner.on('pass', (test) => {
  ended.add(test);
  counts.passed += 1;
});
runner.on('fail', (test, error) => {
  ended.add(test);
  counts.failed += 1;
  hooksFailed += test.type === 'hook' ? 1 : 0;
  if (error !== null && typeof error === 'object') {
    error.message = bounded(error.message);
    error.stack = bounded(error.stack);
  }
});
runner.on('pending', (test) => {
  ended.add(test);
  counts.skipped += 1;
  const reason = reasonOf(test);
  reasons.set(reason, [...(reasons.get(reason) ?? []), test.fullTitle()]);
});
