import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { processTree, type StartedProcess, sleep, start } from '../support/processes.ts';

const program = fileURLToPath(new URL('../../daemon/main.js', import.meta.url));

/** Virtual servers nobody reaches (RFC 5737), real servers on loopback only. */
function configuration(port: number, weight = 1): string {
  return `virtual_server 192.0.2.1 80 {
  delay_loop 1
  warmup 0
  retry 1
  delay_before_retry 1
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server 127.0.0.1 ${port} {
    weight ${weight}
    TCP_CHECK {
      connect_timeout 1
    }
  }
}
`;
}

describe('ipvigild', function () {
  this.timeout(20_000);
  let folder: string;
  let file: string;
  let commands: string;
  const running: StartedProcess[] = [];
  const servers: Server[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipvigil-daemon-'));
    file = join(folder, 'keepalived.conf');
    commands = join(folder, 'commands');
  });

  afterEach(async () => {
    for (const { pid, child, ended } of running.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        for (const member of processTree(pid)) process.kill(member, 'SIGKILL');
      }
      await ended;
    }
    for (const server of servers.splice(0)) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function daemon(...words: string[]): StartedProcess {
    const started = start(process.execPath, [program, ...words]);
    running.push(started);
    return started;
  }

  async function outcome(...words: string[]): Promise<{ status: number | NodeJS.Signals; errors: string }> {
    const started = daemon(...words);
    return { status: await started.ended, errors: started.errors() };
  }

  async function said(started: StartedProcess, pattern: RegExp, times = 1): Promise<string> {
    const deadline = performance.now() + 10_000;
    for (;;) {
      const found = started
        .errors()
        .split('\n')
        .filter((line) => pattern.test(line));
      if (found.length >= times) return found[times - 1]!;
      if (performance.now() > deadline) throw new Error(`${pattern} was not said:\n${started.errors()}`);
      await sleep(10);
    }
  }

  async function listen(wanted = 0): Promise<{ server: Server; port: number }> {
    const server = createServer((socket) => socket.on('error', () => {}).end());
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(wanted, '127.0.0.1', resolve));
    return { server, port: (server.address() as { port: number }).port };
  }

  const written = (): string[] =>
    existsSync(commands)
      ? readFileSync(commands, 'utf8')
          .trim()
          .split('\n')
          .map((line) => line.replace(/^[0-9.]+ /, ''))
      : [];

  describe('with bad input', () => {
    it('names a missing file and exits 6', async () => {
      const { status, errors } = await outcome('-f', join(folder, 'none.conf'), '-n', '-l', '--run-dir', folder);
      expect(status).to.equal(6);
      expect(errors).to.match(/fatal\[file-unreadable\].*none\.conf/);
      expect(errors).to.match(/not started/);
    });

    it('names a file that is a directory and exits 6', async () => {
      const { status, errors } = await outcome('-f', folder, '-n', '-l', '--run-dir', folder);
      expect(status).to.equal(6);
      expect(errors)
        .to.include(folder)
        .and.match(/directory/);
    });

    it('names a file that it may not read and exits 6', async () => {
      if (process.getuid?.() === 0) {
        // Root may read everything; a name that no directory can hold is refused to everybody.
        const { status, errors } = await outcome('-f', `${file}/x`, '-n', '-l', '--run-dir', folder);
        expect(status).to.equal(6);
        expect(errors).to.match(/fatal\[file-unreadable\]/);
        return;
      }
      writeFileSync(file, '');
      chmodSync(file, 0);
      const { status, errors } = await outcome('-f', file, '-n', '-l', '--run-dir', folder);
      expect(status).to.equal(6);
      expect(errors).to.match(/EACCES \(permission denied\)/);
    });

    it('points at a block that is not closed, changes nothing and exits 2', async () => {
      writeFileSync(file, 'virtual_server 192.0.2.1 80 {\n  delay_loop 1\n');
      const { status, errors } = await outcome('-f', file, '-n', '-l', `--dry-run=${commands}`);
      expect(status).to.equal(2);
      expect(errors).to.match(/keepalived\.conf:1:\d+: fatal\[unbalanced-brace\]/);
      expect(written()).to.deep.equal([]);
    });

    it('points at an unknown keyword, offers the nearest, and starts only with --lenient', async () => {
      const { port } = await listen();
      writeFileSync(file, configuration(port).replace('delay_before_retry', 'delay_befor_retry'));
      const { status, errors } = await outcome('-f', file, '-n', '-l', `--dry-run=${commands}`);
      expect(status).to.equal(2);
      expect(errors).to.match(/keepalived\.conf:5:3: error\[unknown-keyword\].*delay_befor_retry/);
      expect(errors).to.match(/hint: .*delay_before_retry/);
      expect(errors).to.match(/not started: 1 error in .*--lenient\); nothing was changed/);
      expect(written()).to.deep.equal([]);
      const started = daemon('-f', file, '-n', '-l', '--lenient', `--dry-run=${commands}`);
      await said(started, /running after/);
    });

    it('points at a bad address, and with --lenient runs without that real server only', async () => {
      const { port } = await listen();
      const bad = '  real_server 127.0.0.999 80 {\n    weight 1\n  }\n}\n';
      writeFileSync(file, configuration(port).replace(/}\n$/, bad));
      const { status, errors } = await outcome('-f', file, '-n', '-l', `--dry-run=${commands}`);
      expect(status).to.equal(2);
      expect(errors).to.match(/keepalived\.conf:15:15: error\[invalid-value\].*127\.0\.0\.999/);
      expect(written()).to.deep.equal([]);
      const started = daemon('-f', file, '-n', '-l', '--lenient', `--dry-run=${commands}`);
      await said(started, /running after/);
      expect(written()).to.deep.equal([
        'NEW_SERVICE TCP 192.0.2.1:80',
        `NEW_DEST TCP 192.0.2.1:80 127.0.0.1:${port} 1`,
      ]);
    });

    it('says that the kernel has no IPVS, what to do, and exits 1', async function () {
      if (existsSync('/proc/net/ip_vs') || existsSync(`/lib/modules/${osRelease()}/kernel/net/netfilter/ipvs`)) {
        this.skip();
      }
      writeFileSync(file, configuration(9));
      const { status, errors } = await outcome('-f', file, '-n', '-l', '--run-dir', folder);
      expect(status).to.equal(1);
      expect(errors).to.match(/"IPVS": ENOENT .*load the ip_vs module/);
      expect(errors).to.match(/not started: nothing was changed/);
    });

    it('names a run directory that it cannot make', async () => {
      writeFileSync(file, configuration(9));
      const { status, errors } = await outcome('-f', file, '-n', '-l', '--run-dir', '/proc/ipvigil');
      expect(status).to.be.oneOf([1, 4]);
      expect(errors).to.match(/create run directory \/proc\/ipvigil: E\w+/);
    });

    it('refuses an unknown option and exits 1', async () => {
      const { status, errors } = await outcome('--nonsense');
      expect(status).to.equal(1);
      expect(errors).to.equal('ipvigild: unknown option --nonsense; ipvigild --help lists the options\n');
    });
  });

  describe('in a configuration test', () => {
    for (const { name, text, expected } of [
      { name: 'a clean file', text: configuration(80).replace('  warmup 0\n', ''), expected: 0 },
      { name: 'an unknown keyword', text: 'nonsense 1\n', expected: 5 },
    ]) {
      it(`exits ${expected} for ${name}`, async () => {
        writeFileSync(file, text);
        expect((await outcome('-f', file, '-t')).status).to.equal(expected);
      });
    }

    it('appends what it found to the file that is named', async () => {
      writeFileSync(file, 'nonsense 1\n');
      const report = join(folder, 'report');
      writeFileSync(report, 'before\n');
      await outcome('-f', file, `--config-test=${report}`);
      expect(readFileSync(report, 'utf8')).to.match(/^before\n.*keepalived\.conf:1:1: error\[unknown-keyword\]/);
    });
  });

  describe('in a rehearsal', () => {
    it('writes what it would send: start, failure, return, stop', async () => {
      const { server, port } = await listen();
      writeFileSync(file, configuration(port));
      const started = daemon('-f', file, '-n', '-l', `--dry-run=${commands}`);
      await said(started, /running after/);
      expect(readFileSync(commands, 'utf8')).to.match(/^\d+\.\d{3} NEW_SERVICE TCP 192\.0\.2\.1:80\n/);
      server.close();
      // Reset when the check had just been taken by the queue of the closed port.
      await said(started, /is DOWN: .*TCP_CHECK.*(ECONNREFUSED \(connection refused\)|ECONNRESET)/);
      await listen(port);
      await said(started, /is UP: TCP_CHECK answered/);
      started.child.kill('SIGTERM');
      expect(await started.ended).to.equal(0);
      const destination = `192.0.2.1:80 127.0.0.1:${port}`;
      expect(written()).to.deep.equal([
        'NEW_SERVICE TCP 192.0.2.1:80',
        `NEW_DEST TCP ${destination} 1`,
        `DEL_DEST TCP ${destination} 0`,
        `NEW_DEST TCP ${destination} 1`,
        'DEL_SERVICE TCP 192.0.2.1:80',
      ]);
    });

    it('reloads to exactly the difference, refuses a broken file, and coalesces signals', async () => {
      const { port } = await listen();
      writeFileSync(file, configuration(port));
      const started = daemon('-f', file, '-n', '-l', `--dry-run=${commands}`);
      await said(started, /running after/);
      const before = written().length;
      writeFileSync(file, configuration(port, 7));
      for (let i = 0; i < 5; i++) started.child.kill('SIGHUP');
      await said(started, /reloaded in/);
      await sleep(200);
      expect(written().slice(before)).to.deep.equal([`SET_DEST TCP 192.0.2.1:80 127.0.0.1:${port} 7`]);
      // Two when all five come during the first reload; a busy machine may deliver some later.
      expect(started.errors().match(/reloaded in/g)!.length).to.be.lessThan(5);
      writeFileSync(file, `${configuration(port, 9)}}\n`);
      started.child.kill('SIGHUP');
      await said(started, /reload refused, the old configuration stays/);
      expect(written()).to.have.length(before + 1);
    });

    it('survives the signals for dumps, and opens no debugger', async () => {
      const { port } = await listen();
      writeFileSync(file, configuration(port));
      const started = daemon('-f', file, '-n', '-l', `--dry-run=${commands}`);
      await said(started, /running after/);
      for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
        started.child.kill(signal);
        await said(started, new RegExp(`${signal}: dump files are not supported`));
      }
      expect(started.errors()).not.to.match(/Debugger/);
      started.child.kill('SIGTERM');
      expect(await started.ended).to.equal(0);
    });

    it('starts the checkers process again when it dies, and leaves the table', async () => {
      const { port } = await listen();
      writeFileSync(file, configuration(port));
      const started = daemon('-f', file, '-n', '-l', `--dry-run=${commands}`);
      await said(started, /running after/);
      const [, checkers] = processTree(started.pid);
      process.kill(checkers!, 'SIGKILL');
      await said(started, /the checkers process ended by SIGKILL; the table stays as it is, restarting at once/);
      await said(started, /running after/, 2);
      started.child.kill('SIGTERM');
      expect(await started.ended).to.equal(0);
    });

    it('ends its checkers process when main is killed', async () => {
      const { port } = await listen();
      writeFileSync(file, configuration(port));
      const started = daemon('-f', file, '-n', '-l', `--dry-run=${commands}`);
      await said(started, /running after/);
      const [, checkers] = processTree(started.pid);
      started.child.kill('SIGKILL');
      const deadline = performance.now() + 5000;
      while (existsSync(`/proc/${checkers}`) && performance.now() < deadline) await sleep(10);
      expect(existsSync(`/proc/${checkers}`)).to.equal(false);
      expect(written().filter((line) => line.startsWith('DEL_'))).to.deep.equal([]);
    });

    it('is idle without virtual servers, until a reload brings some', async () => {
      const { port } = await listen();
      writeFileSync(file, 'global_defs {\n  router_id nobody\n}\n');
      const started = daemon('-f', file, '-n', '-l', `--dry-run=${commands}`);
      await said(started, /has no virtual server: idle/);
      expect(processTree(started.pid)).to.have.length(1);
      writeFileSync(file, configuration(port));
      started.child.kill('SIGHUP');
      await said(started, /running after/);
      expect(written()).to.have.length(2);
    });

    it('goes to the background without -n, once it runs', async () => {
      const { port } = await listen();
      writeFileSync(file, configuration(port));
      const pidFile = join(folder, 'pid');
      // Without pipes: the daemon would hold them open.
      const { status } = spawnSync(process.execPath, [program, '-f', file, '-p', pidFile, `--dry-run=${commands}`], {
        stdio: 'ignore',
        timeout: 10_000,
      });
      expect(status).to.equal(0);
      const pid = Number(readFileSync(pidFile, 'utf8'));
      expect(written()).to.have.length(2);
      process.kill(pid, 'SIGTERM');
      const deadline = performance.now() + 5000;
      while (existsSync(`/proc/${pid}`) && performance.now() < deadline) await sleep(10);
      expect(existsSync(pidFile)).to.equal(false);
    });
  });
});

function osRelease(): string {
  return readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
}
