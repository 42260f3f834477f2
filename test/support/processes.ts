/** Processes for tests and benchmarks: started with an argument list, ended by their id, measured from /proc. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface StartedProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Lines of standard output so far. */
  readonly lines: string[];
  /** Standard error so far. */
  readonly errors: () => string;
  /** Resolves with the first line of standard output that matches, also an earlier one; rejects when the process ends. */
  line(pattern: RegExp): Promise<string>;
  /** Resolves with the exit status, or the negated signal number's name as text. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): StartedProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const lines: string[] = [];
  let errors = '';
  const waiters = new Set<() => void>();
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString('utf8')).slice(-65_536);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const wake of waiters) wake();
  });
  let over = false;
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      over = true;
      for (const wake of waiters) wake();
      resolve(signal ?? code!);
    });
  });
  ended.catch(() => {});
  return {
    child,
    pid: child.pid!,
    lines,
    errors: () => errors,
    ended,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.find((line) => pattern.test(line));
          if (found === undefined && !over) return;
          waiters.delete(look);
          if (found === undefined) reject(new Error(`${command} ended without printing ${pattern}:\n${errors}`));
          else resolve(found);
        };
        waiters.add(look);
        look();
      }),
  };
}

/** The process and all its descendants. */
export function processTree(pid: number): number[] {
  const tree = [pid];
  for (let i = 0; i < tree.length; i++) {
    for (const task of listTasks(tree[i]!)) {
      try {
        const children = readFileSync(`/proc/${tree[i]}/task/${task}/children`, 'utf8').trim();
        if (children !== '') tree.push(...children.split(' ').map(Number));
      } catch {
        // The task ended meanwhile.
      }
    }
  }
  return tree;
}

/** CPU time of a process tree so far, in seconds, from the scheduler's nanosecond count. */
export function cpuSecondsOfTree(pid: number): number {
  let nanoseconds = 0;
  for (const process of processTree(pid)) {
    for (const task of listTasks(process)) {
      try {
        nanoseconds += Number(readFileSync(`/proc/${process}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
      } catch {
        // The task ended meanwhile.
      }
    }
  }
  return nanoseconds / 1e9;
}

function listTasks(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Compiles a C file with the machine's compiler; throws with the compiler's words. */
export function compileC(source: string, output: string, flags: readonly string[] = []): void {
  execFileSync('cc', ['-O2', '-Wall', ...flags, '-o', output, source], { stdio: ['ignore', 'inherit', 'inherit'] });
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
