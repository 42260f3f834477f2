// What the scripts of this folder share: getting the npm packages, compiling, running a program. Plain JavaScript with
// no dependencies, because nothing is installed or compiled when they start.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(fileURLToPath(new URL('../..', import.meta.url)));
export const dist = path.join(root, 'dist');

/** Progress goes to standard error; standard output is for results. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Runs a program in the checkout, its output shown. Gives its exit code; 128 and more for a signal. */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
    const forward = (signal) => child.kill(signal);
    const stop = () => forward('SIGTERM');
    const interrupt = () => forward('SIGINT');
    process.on('SIGTERM', stop);
    process.on('SIGINT', interrupt);
    const done = (code) => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', interrupt);
      resolve(code);
    };
    child.on('error', (error) => {
      say(`${program}: ${error.message}`);
      done(127);
    });
    child.on('exit', (code, signal) => done(signal === null ? code : 128));
  });
}

/** `npm ci`, unless node_modules holds exactly what the lock file asks for. Throws when npm fails. */
export async function installPackages() {
  const missing = firstDifference();
  if (missing === undefined) {
    return;
  }
  say(`npm packages: ${missing}; running npm ci`);
  const code = await run('npm', ['ci', '--no-audit', '--no-fund'], { stdio: ['ignore', 2, 2] });
  if (code !== 0) {
    throw new Error(`npm ci failed with exit code ${code}`);
  }
}

function firstDifference() {
  const wanted = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  let present;
  try {
    present = JSON.parse(fs.readFileSync(path.join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages;
  } catch {
    return 'there is no node_modules';
  }
  for (const [name, { version, optional }] of Object.entries(wanted)) {
    // Optional packages are those of other systems as well; npm installs what fits.
    if (name !== '' && optional !== true && present[name]?.version !== version) {
      return `${name} is not ${version}`;
    }
  }
  return undefined;
}

/** Compiles to dist/ and removes what older sources left there. Gives the compiler's exit code. */
export async function compile(args = []) {
  removeStale();
  return await run(process.execPath, [path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.', ...args]);
}

/** Removes compiled files whose source is gone: a renamed test would otherwise run for ever. */
function removeStale() {
  for (const file of filesBelow(dist)) {
    const source = path.join(root, path.relative(dist, file)).replace(/(\.d\.ts|\.js\.map|\.js)$/, '.ts');
    if (source.endsWith('.ts') && !fs.existsSync(source)) {
      fs.rmSync(file);
    }
  }
}

/** Every file below a folder, sorted; none when there is no such folder. */
export function filesBelow(folder) {
  let entries;
  try {
    entries = fs.readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .flatMap((entry) => {
      const file = path.join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(file) : [file];
    })
    .sort();
}

/** npm packages and a fresh dist/. Throws when one of them cannot be had. */
export async function bootstrap() {
  await installPackages();
  const code = await compile();
  if (code !== 0) {
    throw new Error(`the compiler failed with exit code ${code}`);
  }
}

/** Runs a script's body; an error becomes one line and exit code 1. */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
