/**
 * The checkers process: probes, verdicts, the IPVS table. Started by main with an IPC channel; without one it does
 * nothing. When main dies, it ends and leaves the table as it is: traffic goes on to the servers that were alive.
 */
import { appendFileSync, writeSync } from 'node:fs';
import { IpvigilError } from '../lib/errors.ts';
import { openGenericNetlink } from '../lib/io/netlink-transport.ts';
import { openProber } from '../lib/io/prober.ts';
import { monotonicNow, processReactor } from '../lib/io/reactor.ts';
import { IpvsClient } from '../lib/ipvs/client.ts';
import { formatCommandLine } from '../lib/ipvs/command.ts';
import { MemoryTable } from '../lib/ipvs/memory-table.ts';
import type { Service } from '../lib/ipvs/service.ts';
import type { IpvsTable } from '../lib/ipvs/table.ts';
import { DirectorRunner, type OwnershipRecord } from '../lib/runtime/director-runner.ts';
import { exitCodes } from './exit-codes.ts';
import { describeEvent, type LogLine } from './log.ts';
import type { CheckersOptions, FromCheckers, ToCheckers } from './messages.ts';
import { FileOwnershipRecord, fileError, lockRunDirectory, MemoryOwnershipRecord } from './run-directory.ts';

/** Lines that main has not taken yet; beyond it they are counted instead of kept. */
const MAX_UNSENT_LINES = 10_000;
/** A run that was killed a moment ago may still hold the lock. */
const LOCK_PATIENCE_MS = 3000;

if (process.send !== undefined) runCheckers();

function runCheckers(): void {
  let runner: DirectorRunner | undefined;
  let table: IpvsTable | undefined;
  let detail = false;
  /** Messages of main are carried out one after the other. */
  let work: Promise<void> = Promise.resolve();

  const start = async (message: Extract<ToCheckers, { kind: 'start' }>): Promise<void> => {
    const { options, config } = message;
    detail = options.logDetail;
    const opened = await openTable(options);
    table = opened.table;
    const starting = new DirectorRunner({
      table: opened.table,
      record: opened.record,
      clock: processReactor(),
      prober: openProber(),
      random: Math.random,
      emit: (event) => log(describeEvent(event)),
    });
    await starting.start(config);
    runner = starting;
    send({ kind: 'started', checks: starting.checks.running });
  };

  /** Ends in any case: what could not be deleted is said, and stays recorded as ours. */
  const stop = async (release: boolean): Promise<void> => {
    try {
      await runner?.stop({ release });
      table?.close();
    } catch (error) {
      if (!(error instanceof IpvigilError)) throw error;
      sendLine({ level: 'error', text: `the table could not be cleared: ${error.message}` });
    }
    send({ kind: 'stopped' }, () => process.disconnect?.());
  };

  const log = (line: LogLine): void => {
    if (line.level !== 'debug' || detail) sendLine(line);
  };

  const carryOut = async (message: ToCheckers): Promise<void> => {
    try {
      if (message.kind === 'start') {
        await start(message);
      } else if (message.kind === 'reload') {
        await runner?.reload(message.config);
        send({ kind: 'reloaded', checks: runner?.checks.running ?? 0 });
      } else {
        await stop(message.release);
      }
    } catch (error) {
      if (!(error instanceof IpvigilError)) throw error;
      send({ kind: 'refused', message: error.message, exitCode: exitCodeOf(error) });
    }
  };

  process.on('message', (message: ToCheckers) => {
    work = work.then(() => carryOut(message));
  });
  process.on('disconnect', () => process.exit(exitCodes.success));
  // The terminal sends them to the whole group; main decides.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {});
}

async function openTable(
  options: CheckersOptions,
): Promise<{ readonly table: IpvsTable; readonly record: OwnershipRecord }> {
  if (options.dryRun !== undefined) {
    return { table: rehearsalTable(options.dryRun, await kernelServices()), record: new MemoryOwnershipRecord() };
  }
  await takeLock(options.runDirectory);
  const record = new FileOwnershipRecord(options.runDirectory);
  return { table: await IpvsClient.open(openGenericNetlink, processReactor()), record };
}

async function takeLock(directory: string): Promise<void> {
  const deadline = monotonicNow() + LOCK_PATIENCE_MS;
  while (lockRunDirectory(directory) === undefined) {
    if (monotonicNow() > deadline) {
      throw new IpvigilError('ERR_INVALID_ARGUMENT', {
        operation: 'lock run directory',
        subject: directory,
        detail: 'another ipvigild uses it',
        hint: 'stop the other one first, or give each its own --run-dir (one per network namespace)',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The kernel's table for a rehearsal to start from; empty where it cannot be read. */
async function kernelServices(): Promise<readonly Service[]> {
  try {
    const client = await IpvsClient.open(openGenericNetlink, processReactor());
    try {
      return await client.read();
    } finally {
      client.close();
    }
  } catch (error) {
    if (!(error instanceof IpvigilError)) throw error;
    sendLine({ level: 'info', text: `the rehearsal starts from an empty table: ${error.message}` });
    return [];
  }
}

/** A table in memory that writes each command to a file, many at a time. */
function rehearsalTable(output: string, services: readonly Service[]): IpvsTable {
  let lines: string[] = [];
  const flush = (): void => {
    const text = lines.join('');
    lines = [];
    try {
      if (output === '-') writeSync(1, text);
      else appendFileSync(output, text);
    } catch (error) {
      sendLine({ level: 'error', text: fileError('write commands to', output, error).message });
    }
  };
  return new MemoryTable({
    services,
    record: ({ command, error }) => {
      if (error !== undefined) return;
      if (lines.length === 0) queueMicrotask(flush);
      lines.push(`${formatCommandLine(monotonicNow(), command)}\n`);
    },
  });
}

let unsentLines = 0;
let lostLines = 0;

function sendLine(line: LogLine): void {
  if (unsentLines >= MAX_UNSENT_LINES) {
    lostLines++;
    return;
  }
  unsentLines++;
  send({ kind: 'log', line }, () => {
    unsentLines--;
    if (lostLines === 0 || unsentLines > 0) return;
    const text = `${lostLines} log lines were lost: main did not take them in time`;
    lostLines = 0;
    sendLine({ level: 'warning', text });
  });
}

function send(message: FromCheckers, sent?: () => void): void {
  process.send?.(message, undefined, {}, () => sent?.());
}

function exitCodeOf(error: IpvigilError): number {
  return error.code === 'ERR_PERMISSION' ? exitCodes.permission : exitCodes.failure;
}
