/**
 * `npm run demo`: shows the daemon doing its work on a real IPVS table. `--shell` stays with the running network in an
 * interactive shell. `--with=keepalived` shows Debian's keepalived on the same configuration instead.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DemoStory, tellStory } from './demo-story.ts';
import type { DaemonKind } from './director-daemon.ts';
import { Lab, ScenarioFailure } from './machine.ts';
import type { DemoArguments, DemoEvent, DemoResult } from './scenarios/demo.ts';
import { LabUnavailable } from './unavailable.ts';

const usage = `usage: npm run demo [-- OPTION...]
  --shell            stay in a shell beside the running daemon
  --with=keepalived  run keepalived instead of ipvigild, on the same configuration
`;

const checkout = fileURLToPath(new URL('../../..', import.meta.url));
const configuration = path.join(checkout, 'examples', 'lvs-nat', 'keepalived.conf');
const requestsPerLine = 12;
const rate = 5;
const patienceMs = 15_000;

/** Writes the demonstration as it happens. Requests run on along a line; everything else has lines of its own. */
class Stage {
  readonly #colors: boolean;
  readonly #startedAt = performance.now();
  #inLine = 0;

  constructor(colors: boolean) {
    this.#colors = colors;
  }

  /** Something that begins or happens, with the time since the start. */
  step(subject: string, text: string): void {
    const seconds = `${((performance.now() - this.#startedAt) / 1000).toFixed(1)} s`.padStart(7);
    this.#line(`${this.#paint('2', seconds)}  ${this.#paint('1', subject.padEnd(9))} ${text}`);
  }

  /** Lines that belong to the step above. */
  detail(text: string): void {
    for (const line of text.trimEnd().split('\n')) {
      this.#line(`${' '.repeat(19)}${line}`);
    }
  }

  /** A line another program wrote. */
  quote(text: string): void {
    this.detail(`${this.#paint('2', '│')} ${text}`);
  }

  request(text: string, good: boolean): void {
    if (this.#inLine === 0) {
      process.stdout.write(' '.repeat(19));
    }
    process.stdout.write(`${good ? text : this.#paint('31', text)} `);
    this.#inLine += 1;
    if (this.#inLine === requestsPerLine) {
      this.#endLine();
    }
  }

  blank(): void {
    this.#line('');
  }

  #line(text: string): void {
    this.#endLine();
    process.stdout.write(`${text}\n`);
  }

  #endLine(): void {
    if (this.#inLine > 0) {
      process.stdout.write('\n');
      this.#inLine = 0;
    }
  }

  #paint(code: string, text: string): string {
    return this.#colors ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

function show(stage: Stage, event: DemoEvent): void {
  switch (event.event) {
    case 'network':
      stage.step('network', 'client 172.16.10.100 ── 172.16.10.81 director 192.168.10.81 ── rs1 192.168.10.71');
      stage.detail(`${' '.repeat(59)}└─ rs2 192.168.10.72`);
      break;
    case 'daemon':
      stage.step('daemon', event.command.replaceAll(checkout, ''));
      break;
    case 'log':
      stage.quote(event.line);
      break;
    case 'table':
      stage.step('table', `${event.when} (ipvsadm -Ln)`);
      stage.detail(event.text.split('\n').slice(1).join('\n'));
      break;
    case 'asking':
      stage.step('requests', `${rate} each second to http://172.16.10.81/, each on a connection of its own`);
      break;
    case 'request': {
      const { status, answer, failure } = event.record;
      const good = status === 200 && answer !== undefined;
      stage.request(good ? answer : (failure ?? `status ${status}`), good);
      break;
    }
    case 'killed':
      stage.step('death', "rs2's web server is killed (kill -9)");
      break;
    case 'removed':
      stage.step('removed', 'rs2 is out of the table');
      break;
    case 'returned':
      stage.step('return', "rs2's web server is started again");
      break;
    case 'added':
      stage.step('added', 'rs2 is in the table again');
      break;
    case 'change':
    case 'shell':
      break;
  }
}

function summary(stage: Stage, story: DemoStory): void {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  const requests = ({ asked, failed }: { asked: number; failed: number }): string => `${failed} of ${asked} failed`;
  stage.blank();
  stage.step('summary', '');
  stage.detail(
    [
      `death of rs2 until it was out of the table         ${seconds(story.removalMs)}`,
      `return of rs2 until it was in the table again      ${seconds(story.returnMs)}`,
      `requests before the death                          ${requests(story.phases.before)}`,
      `requests between death and removal                 ${requests(story.phases.dying)}`,
      `requests after the removal, rs2 still dead         ${requests(story.phases.without)}`,
      `requests after the return                          ${requests(story.phases.after)}`,
    ].join('\n'),
  );
}

/** Joins the terminal with the guest's second serial line. Gives a function that undoes it. */
function joinTerminal(lab: Lab): () => void {
  const line = lab.shell;
  if (line === undefined) {
    throw new Error('a shell needs the guest; this machine runs the lab on its own kernel');
  }
  const raw = process.stdin.isTTY === true;
  if (raw) {
    process.stdin.setRawMode(true);
  }
  // The guest's line drops what overruns it; nobody types this much, but a paste or a pipe may be long.
  const pending: Buffer[] = [];
  const pace = setInterval(() => {
    const next = pending.shift();
    if (next !== undefined) {
      line.input.write(next);
    }
  }, 20);
  const typed = (data: Buffer): void => {
    for (let at = 0; at < data.length; at += 512) {
      pending.push(data.subarray(at, at + 512));
    }
  };
  const ended = (): void => {
    pending.push(Buffer.from([4]));
  };
  process.stdin.on('data', typed).on('end', ended);
  line.output.pipe(process.stdout, { end: false });
  return () => {
    clearInterval(pace);
    line.output.unpipe(process.stdout);
    process.stdin.off('data', typed).off('end', ended);
    process.stdin.pause();
    if (raw) {
      process.stdin.setRawMode(false);
    }
  };
}

async function demonstrate(words: readonly string[]): Promise<number> {
  const wrong = words.find((word) => !['--shell', '--help', '--with=keepalived', '--with=ipvigild'].includes(word));
  if (wrong !== undefined || words.includes('--help')) {
    process.stderr.write(wrong === undefined ? usage : `unknown option ${wrong}\n${usage}`);
    return wrong === undefined ? 0 : 2;
  }
  const daemon: DaemonKind = words.includes('--with=keepalived') ? 'keepalived' : 'ipvigild';
  const wantsShell = words.includes('--shell');
  const stage = new Stage(process.stdout.isTTY === true && process.env.NO_COLOR === undefined);
  stage.step('kernel', 'starting one with IPVS beside this system (user-mode Linux, no root, nothing is installed)');
  const lab = await Lab.boot({ progress: (line) => stage.detail(line), ...(wantsShell ? { machine: 'guest' } : {}) });
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  let leave: () => void = () => undefined;
  try {
    const { kernel, ipvs, node } = lab.facts;
    stage.step(
      'kernel',
      `Linux ${kernel} with IPVS ${ipvs} and node ${node}, ready after ${(lab.bootMs / 1000).toFixed(1)} s`,
    );
    const args: DemoArguments = {
      daemon,
      configuration,
      rate,
      patienceMs,
      ...(wantsShell
        ? {
            shell: {
              rows: process.stdout.rows || 24,
              columns: process.stdout.columns || 80,
              term: process.env.TERM ?? 'dumb',
            },
          }
        : {}),
    };
    const { result } = await lab.run<DemoResult | null>('demo', args, {
      timeLimitMs: wantsShell ? 24 * 3600_000 : 90_000,
      signal: interrupted.signal,
      onTold: (message) => {
        const event = message as DemoEvent;
        if (event.event === 'shell') {
          stage.step('shell', 'the lab is yours until you leave the shell:');
          stage.detail('table            the IPVS table        ask [N]        N requests from the client');
          stage.detail("stop rs2         kill rs2's server     start rs2      start it again");
          stage.detail("log [N]          the daemon's last N log lines");
          stage.detail('director, client, rs1, rs2 COMMAND     run a command on that host');
          stage.blank();
          leave = joinTerminal(lab);
        } else {
          show(stage, event);
        }
      },
    });
    leave();
    if (result === null) {
      stage.blank();
      return 0;
    }
    const story = tellStory(result);
    summary(stage, story);
    for (const fault of story.faults) {
      stage.step('WRONG', fault);
    }
    return story.faults.length === 0 ? 0 : 1;
  } finally {
    leave();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await lab.close();
  }
}

try {
  process.exitCode = await demonstrate(process.argv.slice(2));
} catch (error) {
  const reason =
    error instanceof LabUnavailable || error instanceof ScenarioFailure
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`\nthe demonstration did not succeed: ${reason}\n`);
  process.exitCode = 1;
}
