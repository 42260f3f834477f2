/** Starting built programs from tests, each with a limit of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from './package-root.ts';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly child: ChildProcess;
  /** Resolves with the text so far as soon as `pattern` is in it; rejects when the program ends before. */
  output(pattern: RegExp): Promise<string>;
  readonly ended: Promise<Ended>;
}

/** Runs a command; it is killed after `limitMs`. */
export function runProgram(command: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const { cwd = packageRoot(), limitMs = 20_000 } = options;
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const output = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(stdout)) return;
        waiting.delete(look);
        resolve(stdout);
      };
      waiting.add(look);
      look();
      ended.then(
        () => reject(new Error(`the program ended without ${pattern}: ${stdout}${stderr}`)),
        (error: unknown) => reject(error),
      );
    });
  return { child, output, ended };
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly limitMs?: number;
}

/** A module of dist/, run by this Node. */
export function runBuilt(path: string, args: readonly string[] = []): Program {
  return runProgram(process.execPath, [join(packageRoot(), 'dist', path), ...args]);
}

/** Source text as an ES module, run by this Node in the package's folder, where it can import `ipvigil` by name. */
export function runSource(source: string): Program {
  return runProgram(process.execPath, ['--input-type=module', '--eval', source]);
}
