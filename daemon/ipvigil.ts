#!/usr/bin/env node
/** ipvigil, the operator's command: parses the arguments, runs, sets the exit status. */
import { explainCode } from '../keepalived-compat/explain.ts';
import { diagnosticCodes } from '../lib/diagnostics/codes.ts';
import { checkConfiguration, renderMachineReport, renderTextReport } from './config-report.ts';
import { exitCodes } from './exit-codes.ts';
import { writeStderr } from './log-writer.ts';
import { type OperatorCommand, operatorUsage, parseOperatorCommand } from './operator-cli.ts';
import { version } from './version.ts';

// A reader that has seen enough (head, less) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
process.exitCode = run(parseOperatorCommand(process.argv.slice(2)));

function run(command: OperatorCommand): number {
  switch (command.kind) {
    case 'help':
      process.stdout.write(operatorUsage);
      return exitCodes.success;
    case 'version':
      process.stdout.write(`ipvigil ${version()}\n`);
      return exitCodes.success;
    case 'wrong':
      writeStderr(`ipvigil: ${command.message}; ipvigil --help lists the commands\n`);
      return exitCodes.failure;
    case 'explain':
      process.stdout.write(command.code === undefined ? listCodes() : explainCode(command.code));
      return exitCodes.success;
    case 'check': {
      const { file, configId, allow, format } = command;
      const checked = checkConfiguration(file, configId, { lint: true, allow });
      const color = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
      process.stdout.write(
        format === 'text' ? renderTextReport(checked, color) : renderMachineReport(checked, format, 'ipvigil'),
      );
      return checked.status;
    }
  }
}

function listCodes(): string {
  const entries = Object.entries(diagnosticCodes);
  const width = Math.max(...entries.map(([code]) => code.length));
  return entries.map(([code, text]) => `${code.padEnd(width)}  ${text}\n`).join('');
}
