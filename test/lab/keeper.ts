/**
 * Stands between the lab and its guest, so that nothing outlives the lab, not even when the lab is killed:
 * `keeper.js FOLDER PROGRAM ARGUMENTS...`, with the guest's serial lines on descriptors 3 to 6.
 *
 * It starts the program in a process group of its own, the program's output going to FOLDER/console.log. When its
 * standard input ends, which is when the lab closes or dies, it kills the group and removes FOLDER.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import path from 'node:path';
import { killGroup } from './process-group.ts';

const [folder, program, ...args] = process.argv.slice(2);
if (folder === undefined || program === undefined) {
  throw new Error('usage: keeper.js FOLDER PROGRAM ARGUMENTS...');
}
// The lab sends its own end through the pipe; signals meant for it (Ctrl-C, hang-up) must not cut the clearing short.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => undefined);
}
const console_ = fs.openSync(path.join(folder, 'console.log'), 'w');
const child = spawn(program, args, {
  cwd: folder,
  detached: true,
  stdio: ['ignore', console_, console_, 3, 4, 5, 6],
});
// Only the guest may hold the lines, or nobody would see them end with it.
for (const descriptor of [3, 4, 5, 6]) {
  fs.closeSync(descriptor);
}
// For the lab, which tells what has to be gone after its end.
fs.writeFileSync(path.join(folder, 'group'), String(child.pid ?? ''));
child.on('error', (error) => fs.writeSync(console_, `${program}: ${error.message}\n`));

let ending = false;
async function end(): Promise<void> {
  if (ending) {
    return;
  }
  ending = true;
  const left = child.pid === undefined ? [] : await killGroup(child.pid);
  fs.rmSync(folder!, { recursive: true, force: true });
  process.exit(left.length === 0 ? 0 : 1);
}
process.stdin.on('end', end);
process.stdin.on('close', end);
process.stdin.on('error', end);
process.stdin.resume();
