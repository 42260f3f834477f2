#!/usr/bin/env node
/** ipvigild: parses the arguments, runs, sets the exit status. */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CommandLine, type DaemonOptions, parseCommandLine, usage } from './cli.ts';
import { checkConfiguration, renderMachineReport } from './config-report.ts';
import { runDaemon, testConfiguration } from './daemon.ts';
import { exitCodes } from './exit-codes.ts';
import { writeStderr } from './log-writer.ts';
import { version } from './version.ts';

process.exitCode = await main(parseCommandLine(process.argv.slice(2)));

async function main(command: CommandLine): Promise<number> {
  switch (command.kind) {
    case 'help':
      writeStderr(usage);
      return exitCodes.success;
    case 'version':
      writeStderr(`ipvigild ${version()}\n`);
      return exitCodes.success;
    case 'wrong':
      writeStderr(`ipvigild: ${command.message}; ipvigild --help lists the options\n`);
      return exitCodes.failure;
    case 'test': {
      const { options, output, format } = command;
      if (format === 'text') {
        return testConfiguration(options, (text) => {
          if (output === undefined) writeStderr(text);
          else appendFileSync(output, text);
        });
      }
      const checked = checkConfiguration(options.file, options.configId);
      const report = renderMachineReport(checked, format, 'ipvigild');
      if (output === undefined) process.stdout.write(report);
      else writeFileSync(output, report);
      return checked.status;
    }
    case 'run': {
      if (!command.options.foreground) return detach(command.options);
      const exitCode = await runDaemon(command.options, () => process.send?.('ready'));
      // Started without a parent that waits there is no channel; in the background the parent has closed it.
      if (process.connected) process.disconnect();
      return exitCode;
    }
  }
}

/** Starts this program again in a session of its own, and waits until it runs or has said why it does not. */
function detach(options: DaemonOptions): Promise<number> {
  // Where messages go to syslog nothing of the caller's terminal or pipe is kept open.
  const { logToConsole, dryRun } = options;
  const output = dryRun === '-' ? 'inherit' : 'ignore';
  const errors = existsSync('/dev/log') && !logToConsole ? 'ignore' : 'inherit';
  const child = spawn(
    process.execPath,
    [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2), '-n'],
    {
      detached: true,
      stdio: ['ignore', output, errors, 'ipc'],
    },
  );
  return new Promise((resolve) => {
    child.once('message', () => {
      child.disconnect();
      child.unref();
      resolve(exitCodes.success);
    });
    child.once('error', (error) => {
      writeStderr(`ipvigild: cannot start in the background: ${error.message}\n`);
      resolve(exitCodes.internal);
    });
    child.once('exit', (code) => resolve(code ?? exitCodes.internal));
  });
}
