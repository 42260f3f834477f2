// npm test: builds, runs the unit tests, then the kernel tests where a kernel with IPVS can be had, and ends with one
// line, `N passed, N failed, N skipped`. With CI=true in the environment a skipped test fails the run.
//
//   --unit         unit tests only           --kernel      kernel tests only
//   --no-build     take dist/ as it is       --grep=TEXT   tests whose full title holds TEXT
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootstrap, dist, filesBelow, run, say } from './steps.mjs';
import { exitCode, noTests, sum, totalsLine } from './totals.mjs';

const words = process.argv.slice(2);
const known = /^--(unit|kernel|no-build|grep=.*)$/;
const unknown = words.find((word) => !known.test(word));

async function suite(name, files) {
  if (files.length === 0) {
    throw new Error(`${name}: there are no test files below ${path.join(dist, 'test')}`);
  }
  say(`${name}: ${files.length} files, node ${process.version}`);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ipvigil-test-'));
  const totals = path.join(folder, 'totals.json');
  try {
    const code = await run(process.execPath, [
      '--enable-source-maps',
      fileURLToPath(new URL('mocha.mjs', import.meta.url)),
      totals,
      ...words.filter((word) => word.startsWith('--grep=')),
      ...files,
    ]);
    if (!fs.existsSync(totals)) {
      console.log(`${name}: mocha ended with code ${code} before it had run all tests`);
      return { ...noTests(), failed: 1 };
    }
    const counts = JSON.parse(fs.readFileSync(totals, 'utf8'));
    if (code !== 0 && counts.failed === 0) {
      console.log(`${name}: mocha ended with code ${code}`);
      counts.failed += 1;
    }
    return counts;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function tests() {
  if (unknown !== undefined) {
    throw new Error(`unknown option ${unknown}; there are --unit, --kernel, --no-build, --grep=TEXT`);
  }
  if (!words.includes('--no-build')) {
    await bootstrap();
  }
  const all = filesBelow(path.join(dist, 'test')).filter((file) => file.endsWith('.test.js'));
  const kernel = all.filter((file) => file.startsWith(path.join(dist, 'test', 'kernel') + path.sep));
  const unit = all.filter((file) => !kernel.includes(file));
  const both = words.includes('--unit') === words.includes('--kernel');
  let totals = noTests();
  if (both || words.includes('--unit')) {
    totals = sum(totals, await suite('unit tests', unit));
  }
  if (both || words.includes('--kernel')) {
    totals = sum(totals, await suite('kernel tests', kernel));
  }
  return totals;
}

let totals;
try {
  totals = await tests();
} catch (error) {
  console.log(error.message);
  totals = { ...noTests(), failed: 1 };
}
const strict = process.env.CI === 'true';
if (strict && totals.skipped > 0) {
  console.log('CI=true: skipped tests fail the run');
}
process.exitCode = exitCode(totals, strict);
console.log(totalsLine(totals));
