/**
 * The demonstration: an LVS-NAT director whose daemon takes a dead real server out of the table and puts it back.
 * Tells each thing when it happens; returns the figures. It judges nothing: `demo.ts` does.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DaemonKind, daemonCommand, startDaemon } from '../director-daemon.ts';
import { shellLine } from '../guest.ts';
import { IpvsWatch, type SeenChange } from '../ipvs-watch.ts';
import { monotonicMs } from '../monotonic.ts';
import { natNetwork } from '../network-plan.ts';
import type { ScenarioContext } from '../scenario.ts';
import { Load, type LoadRecord, WebServer } from '../servers.ts';
import { Network } from '../topology.ts';

export interface DemoArguments {
  readonly daemon: DaemonKind;
  readonly configuration: string;
  /** Requests each second. */
  readonly rate: number;
  /** Longest wait for the daemon to act, in milliseconds. */
  readonly patienceMs: number;
  /** Keep the network up for a shell on the second serial line. */
  readonly shell?: { readonly rows: number; readonly columns: number; readonly term: string };
}

export type DemoEvent =
  | { readonly event: 'network' }
  | { readonly event: 'daemon'; readonly command: string }
  /** A line of the daemon's log. */
  | { readonly event: 'log'; readonly line: string }
  | { readonly event: 'table'; readonly when: string; readonly text: string }
  | { readonly event: 'request'; readonly record: LoadRecord }
  | { readonly event: 'change'; readonly change: SeenChange }
  | { readonly event: 'asking' | 'killed' | 'returned' | 'removed' | 'added' | 'shell' };

/** Times are milliseconds of the guest's CLOCK_MONOTONIC. */
export interface DemoResult {
  readonly records: readonly LoadRecord[];
  readonly changes: readonly SeenChange[];
  readonly killedAt: number;
  readonly removedAt: number;
  readonly returnedAt: number;
  readonly addedAt: number;
}

const service = '172.16.10.81:80/tcp';
const second = '192.168.10.72:80';

export async function run(context: ScenarioContext, args: DemoArguments): Promise<DemoResult | null> {
  const tell = (event: DemoEvent): void => context.tell(event);
  const network = await Network.make(natNetwork);
  const { client, director, rs1, rs2 } = network.hosts;
  const [, server, watch] = await Promise.all([
    WebServer.start(rs1),
    WebServer.start(rs2),
    IpvsWatch.start(director, { onChange: (change) => tell({ event: 'change', change }) }),
  ]);
  tell({ event: 'network' });

  const daemonOptions = { kind: args.daemon, configuration: args.configuration, scratch: context.scratch };
  tell({ event: 'daemon', command: daemonCommand(daemonOptions).join(' ') });
  const daemon = startDaemon(director, daemonOptions);
  const log = path.join(context.scratch, 'daemon.log');
  let atStage = true;
  daemon.onLine((line) => {
    fs.appendFileSync(log, `${line}\n`);
    // Once there is a shell the screen belongs to its user, who has the command `log`.
    if (atStage) {
      tell({ event: 'log', line });
    }
  });
  const ended = daemon.exited.then(({ code, signal }) => {
    throw new Error(`${args.daemon} ended (${signal ?? `exit code ${code}`}):\n${daemon.lines.slice(-20).join('\n')}`);
  });
  // Awaited through races; when the demonstration is over its end is expected.
  ended.catch(() => undefined);
  const seen = (kind: SeenChange['kind'], destination: string, since: number): Promise<SeenChange> =>
    Promise.race([
      watch.change(
        (change) =>
          change.kind === kind &&
          change.service === service &&
          'destination' in change &&
          change.destination === destination,
        args.patienceMs,
        since,
      ),
      ended,
    ]);
  const table = async (when: string): Promise<void> =>
    tell({ event: 'table', when, text: (await director.exec(['ipvsadm', '-Ln'])).stdout });

  await Promise.all([seen('destination-added', '192.168.10.71:80', 0), seen('destination-added', second, 0)]);
  await table('made by the daemon');

  if (args.shell !== undefined) {
    atStage = false;
    tell({ event: 'shell' });
    await shell(context, args.shell, log);
    await network.teardown();
    return null;
  }

  const load = await Load.start(client, {
    address: '172.16.10.81',
    rate: args.rate,
    onRecord: (record) => tell({ event: 'request', record }),
  });
  tell({ event: 'asking' });
  await load.more(args.rate * 3);

  tell({ event: 'killed' });
  const killedAt = monotonicMs();
  await server.kill();
  const { at: removedAt } = await seen('destination-removed', second, killedAt);
  tell({ event: 'removed' });
  await table('after the removal');
  await load.more(args.rate * 3);

  tell({ event: 'returned' });
  await server.restart();
  const returnedAt = monotonicMs();
  const { at: addedAt } = await seen('destination-added', second, removedAt);
  tell({ event: 'added' });
  await table('after the return');
  await load.more(args.rate * 2);

  const records = await load.stop();
  const changes = [...(await watch.stop())];
  await network.teardown();
  return { records, changes, killedAt, removedAt, returnedAt, addedAt };
}

/** An interactive shell beside the running daemon, until it exits. */
async function shell(
  context: ScenarioContext,
  { rows, columns, term }: NonNullable<DemoArguments['shell']>,
  log: string,
): Promise<void> {
  const server = fileURLToPath(new URL('../programs/web-server.js', import.meta.url));
  const rc = path.join(context.scratch, 'bashrc');
  const hosts = Object.keys(natNetwork.hosts);
  fs.writeFileSync(
    rc,
    [
      "PS1='[lab] \\w # '",
      'cd',
      `log() { tail -n "\${1:-10}" ${log}; }`,
      ...hosts.map((host) => `${host}() { ip netns exec ${host} "\${@:-bash}"; }`),
      'table() { director ipvsadm -Ln; }',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own parameter
      'ask() { for n in $(seq "${1:-4}"); do client curl -sS -m 2 http://172.16.10.81/; done; }',
      'stop() { for pid in $(ip netns pids "$1"); do kill -9 "$pid"; done; }',
      `start() { ip netns exec "$1" ${process.execPath} ${server} "$1" 80 '' </dev/null >/dev/null 2>&1 & disown; }`,
      '',
    ].join('\n'),
  );
  const execute = (program: string, args: readonly string[], stdio: [number, number, number]): Promise<void> =>
    new Promise((resolve, reject) => {
      spawn(program, args, { stdio, env: { ...process.env, TERM: term } })
        .on('error', reject)
        .on('close', () => resolve());
    });
  const line = fs.openSync(shellLine, 'r+');
  try {
    await execute('stty', ['sane', 'rows', String(rows), 'cols', String(columns)], [line, line, line]);
    await execute('setsid', ['--ctty', '--wait', 'bash', '--rcfile', rc, '-i'], [line, line, line]);
  } finally {
    fs.closeSync(line);
  }
}
