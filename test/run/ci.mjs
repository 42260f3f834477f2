// The steps of .ci/run. Every step runs even if an earlier one failed, as far as that makes sense; a failed step that
// is not a test run counts as one failed test.
import { spawn } from 'node:child_process';
import { nodeRelease } from './node-release.mjs';
import { main, run, say } from './steps.mjs';
import { exitCode, noTests, parseTotals, sum, totalsLine } from './totals.mjs';

/** The oldest release that is supported, and the lines that are maintained. */
const releases = ['20.19', '22', '24'];

let totals = noTests();

function failed(what) {
  console.log(`${what} failed`);
  totals = sum(totals, { ...noTests(), failed: 1 });
}

async function step(what, program, args) {
  say(`\n=== ${what}`);
  const code = await run(program, args);
  if (code !== 0) {
    failed(what);
  }
  return code === 0;
}

/** Runs test.mjs, shows its output, adds its totals. */
async function tests(what, program, args) {
  say(`\n=== ${what}`);
  const child = spawn(program, ['test/run/test.mjs', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    process.stdout.write(chunk);
    output = (output + chunk.toString('latin1')).slice(-10_000);
  });
  const code = await new Promise((resolve) => {
    child.on('close', resolve);
    child.on('error', () => resolve(127));
  });
  const counts = parseTotals(output);
  if (counts === undefined) {
    failed(`${what} (ended with code ${code} and without totals)`);
  } else {
    totals = sum(totals, counts);
  }
}

await main(async () => {
  if (await step('npm ci', 'npm', ['ci', '--no-audit', '--no-fund'])) {
    await step('check: types and lint', process.execPath, ['test/run/check.mjs']);
    if (await step('build', process.execPath, ['test/run/build.mjs'])) {
      await tests(`all tests on node ${process.versions.node}`, process.execPath, ['--no-build']);
      // Prints ratios; a noisy machine does not fail it.
      await step('benchmark: TCP checks against a C loop', process.execPath, [
        ...['dist/test/bench/tcp-checks.js', '5000', '8', '2'],
      ]);
      for (const release of releases) {
        let program;
        try {
          program = await nodeRelease(release);
        } catch (error) {
          failed(`fetching node ${release}: ${error.message}`);
          continue;
        }
        await tests(`unit tests on node ${release}`, program, ['--no-build', '--unit']);
      }
    }
  }
  const code = exitCode(totals, process.env.CI === 'true');
  console.log(totalsLine(totals));
  return code;
});
