/**
 * Ending a whole process group for certain. User-mode Linux keeps one host process for each process inside it and
 * some helpers beside; all stay in the group of the first one, and killing only that one leaves helpers behind.
 */
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The living processes (zombies are not) of a group, from /proc. */
export function membersOf(group: number): number[] {
  const members: number[] = [];
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) {
      continue;
    }
    let stat: string;
    try {
      stat = fs.readFileSync(`/proc/${name}/stat`, 'latin1');
    } catch {
      continue;
    }
    // proc(5): pid (comm) state ppid pgrp; comm may hold spaces and parentheses.
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(pgrp) === group && state !== 'Z' && state !== 'X') {
      members.push(Number(name));
    }
  }
  return members;
}

/** Sends SIGKILL to the group until nobody is left, at most for `limitMs`; gives those that would not go. */
export async function killGroup(group: number, limitMs = 5000): Promise<number[]> {
  const until = performance.now() + limitMs;
  for (;;) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') {
        throw error;
      }
    }
    const left = membersOf(group);
    if (left.length === 0 || performance.now() > until) {
      return left;
    }
    await sleep(10);
  }
}
