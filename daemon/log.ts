/**
 * The log: one sentence per event, with its cause. Written by main only, from lines that the other processes send, so
 * that a log that nobody reads never holds up a check.
 */
import { formatEndpoint } from '../lib/address/endpoint.ts';
import { formatCommandLine } from '../lib/ipvs/command.ts';
import { type IpvsCommand, serviceKey } from '../lib/ipvs/service.ts';
import { type CheckerConfig, checkerKeyword } from '../lib/model/checker.ts';
import type { SourcePlace } from '../lib/model/virtual-server.ts';
import type { DirectorEvent } from '../lib/runtime/director-runner.ts';
import { formatDuration } from '../lib/time/duration.ts';

/** As syslog(3): an error needs somebody, a warning may, notice is a transition, info the rest, debug is for -D. */
export type LogLevel = 'error' | 'warning' | 'notice' | 'info' | 'debug';

export interface LogLine {
  readonly level: LogLevel;
  /** One line. */
  readonly text: string;
}

/** What an event of the director means to a reader. */
export function describeEvent(event: DirectorEvent): LogLine {
  switch (event.kind) {
    case 'server-verdict': {
      const { virtualServer, realServer, checker, cause, alive, aliveServers, servers } = event;
      const subject = `real server ${formatEndpoint(realServer)} of virtual server ${serviceKey(virtualServer)}`;
      const kept = !alive && realServer.inhibitOnFailure ? ', kept with weight 0' : '';
      return {
        level: 'notice',
        text: `${subject} is ${alive ? 'UP' : 'DOWN'}: ${describeCause(checker, cause)}${kept} (${aliveServers} of ${servers} alive)`,
      };
    }
    case 'quorum': {
      const { up, virtualServer, sum } = event;
      const { quorum, hysteresis, sorryServer } = virtualServer;
      const margin = hysteresis > 0 ? `, hysteresis ${hysteresis}` : '';
      const sorry =
        sorryServer === undefined
          ? ''
          : `; sorry server ${formatEndpoint(sorryServer)} ${up ? 'leaves' : 'takes over'}`;
      return {
        level: 'notice',
        text: `virtual server ${serviceKey(virtualServer)} has ${up ? 'gained' : 'LOST'} its quorum: weights of alive real servers sum to ${sum}, quorum ${quorum}${margin}${sorry}`,
      };
    }
    case 'check-verdict':
      return {
        level: 'debug',
        text: `${checkerName(event.checker)} is ${event.to}: ${describeCause(event.checker, event.cause)}`,
      };
    case 'check-postponed':
      return {
        level: 'error',
        text: `${checkerName(event.checker)} could not run, its verdict stays: ${event.reason}`,
      };
    case 'command-refused': {
      const { error, followers, source } = event;
      const where = source === undefined ? '' : `${formatPlace(source)}: `;
      const more = followers === 0 ? '' : ` (and ${followers} commands that depend on it)`;
      return { level: 'error', text: `${where}${error.message}${more}` };
    }
    case 'table-changed':
      return {
        level: 'debug',
        text: `IPVS: ${summarizeCommands(event.commands)} in ${formatDuration(event.elapsedMs)}`,
      };
    case 'table-unreadable':
      return { level: 'error', text: event.error.message };
  }
}

export function formatPlace({ file, line, column }: SourcePlace): string {
  return `${file}:${line}:${column}`;
}

function checkerName(checker: CheckerConfig): string {
  const target = checker.kind === 'ping' ? checker.address : formatEndpoint(checker);
  return `${checkerKeyword[checker.kind]} of ${target}`;
}

function describeCause(checker: CheckerConfig, { reason, times, rule }: DirectorCause): string {
  const keyword = checkerKeyword[checker.kind];
  switch (rule) {
    case 'first-check':
      return `first ${keyword}: ${reason}`;
    case 'retries-used-up':
      return `${keyword} failed ${times === 1 ? 'once' : `${times} times in a row`}: ${reason}`;
    case 'passed':
      return `${keyword} ${reason}`;
  }
}

type DirectorCause = Extract<DirectorEvent, { kind: 'server-verdict' }>['cause'];

/** All of a few commands, or how many of each kind. */
function summarizeCommands(commands: readonly IpvsCommand[]): string {
  if (commands.length <= 4) {
    return commands.map((command) => formatCommandLine(0, command).replace(/^\S+ /, '')).join(', ');
  }
  const counts = new Map<string, number>();
  for (const { kind } of commands) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${kind} ${count}`).join(', ');
}
