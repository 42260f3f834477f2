import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listenOnLoopback } from './support/loopback.ts';
import { packageRoot } from './support/package-root.ts';
import { runBuilt, runProgram, runSource } from './support/programs.ts';

describe('the library', function () {
  this.timeout(20_000);

  it('has no effect when it is imported: no native binding, nothing that keeps the process alive', async () => {
    const { code, stdout, stderr } = await runSource(`
      import { createRequire } from 'node:module';
      const before = process.eventNames().length;
      const library = await import('ipvigil');
      const testing = await import('ipvigil/testing');
      const loaded = Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('koffi'));
      const shared = process.report.getReport().sharedObjects.filter((path) => path.includes('koffi'));
      new library.TcpChecker({ address: '127.0.0.1', port: 80 });
      // Node's own reading of these modules comes to its end.
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      console.log(JSON.stringify({
        loaded, shared,
        handles: process.getActiveResourcesInfo().filter((name) => !/^(TTY|Pipe)Wrap$/.test(name)),
        listeners: process.eventNames().length - before,
        exported: typeof library.openIpvs + typeof testing.FakeClock,
      }));
    `).ended;
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.equal({
      ...{ loaded: [], shared: [], handles: [], listeners: 0 },
      exported: 'functionfunction',
    });
  });

  it('loads the native binding when a checker starts, which the test before would have seen', async () => {
    const { stdout } = await runSource(`
      import { createRequire } from 'node:module';
      import { TcpChecker } from 'ipvigil';
      const checker = new TcpChecker({ address: '127.0.0.1', port: 80 });
      checker.start();
      console.log(Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('koffi')));
      checker.stop();
    `).ended;
    expect(stdout).to.equal('true\n');
  });

  it('lets the process exit when the last checker is stopped, also from within its own event', async () => {
    const server = await listenOnLoopback();
    const { port } = server;
    const { code, stdout, stderr } = await runSource(`
      import { HttpChecker, PingChecker, TcpChecker } from 'ipvigil';
      const rest = [
        new HttpChecker({ address: '127.0.0.1', port: ${port}, warmup: 0, urls: [{ path: '/' }] }),
        new PingChecker({ address: '127.0.0.1' }),
      ];
      for (const checker of rest) checker.start();
      const checker = new TcpChecker({ address: '127.0.0.1', port: ${port}, warmup: 0 });
      checker.on('up', ({ first }) => {
        console.log('up', first, checker.up);
        for (const each of [checker, ...rest]) each.stop();
      });
      checker.start();
    `).ended;
    await server.close();
    expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: 'up true true\n', stderr: '' });
  });

  it('says which option is wrong, as JavaScript callers need it', async () => {
    const { stdout } = await runSource(`
      import { TcpChecker } from 'ipvigil';
      try { new TcpChecker({ address: '10.0.0.11', port: 0 }); } catch (error) { console.log(error.code, error.message); }
    `).ended;
    expect(stdout).to.equal(
      'ERR_INVALID_ARGUMENT create a TcpChecker: option port: it is 0, wanted a whole number from 1 to 65535\n',
    );
  });
});

describe('the examples', function () {
  this.timeout(20_000);

  it('tcp-checker tells of a port going down and up again, and ends when it is interrupted', async () => {
    const server = await listenOnLoopback();
    const { port } = server;
    const program = runBuilt('examples/tcp-checker.js', ['127.0.0.1', String(port), '20']);
    await program.output(/^up: answered in [0-9.]+ ms\n$/);
    await server.close();
    await program.output(/down: connect to 127\.0\.0\.1:[0-9]+: ECONNREFUSED \(connection refused\) \(2 in a row\)\n$/);
    const again = await listenOnLoopback({ port });
    await program.output(/\nup: [^\n]*\n$/);
    program.child.kill('SIGINT');
    const { code, stderr } = await program.ended;
    await again.close();
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
  });

  it('ipvs-table shows the commands and the table', async () => {
    const { code, stdout, stderr } = await runBuilt('examples/ipvs-table.js', ['--dry-run']).ended;
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(stdout).to.match(/^NEW_SERVICE done\nNEW_DEST done\nNEW_DEST done\n/);
    expect(stdout).to.contain('TCP  192.0.2.1:80 wlc\n  -> 10.0.0.11:80                 Masq    1 ');
    expect(stdout).to.match(/\n0 commands left to do\n$/);
  });
});

const consumer = `
import {
  HttpChecker, IpvigilError, MemoryTable, TcpChecker, planTable,
  type CheckerVerdict, type ErrorCode, type IpvsTable, type Service, ipAddress,
} from 'ipvigil';
import { FakeClock, ScriptedProber } from 'ipvigil/testing';

const clock = new FakeClock();
const prober = new ScriptedProber(clock);
prober.set('10.0.0.11:80', { kind: 'accepts' }, { kind: 'refuses' });
const checker = new TcpChecker({ address: '10.0.0.11', port: 80, delayLoop: 1000, retry: 1 }, { clock, prober });
checker.on('up', ({ first }) => console.log('up', first));
checker.on('down', ({ cause }: CheckerVerdict) => console.log('down', cause.rule, cause.times));
checker.start();
clock.advance(10_000);
checker.stop();

// @ts-expect-error: no such event
checker.on('gone', () => {});
// @ts-expect-error: a cause is no text
checker.on('down', ({ cause }) => cause.toUpperCase());
// @ts-expect-error: the port is missing
const portless = () => new HttpChecker({ address: '10.0.0.11', urls: [{ path: '/' }] });

const service: Service = {
  address: ipAddress('192.0.2.1'), port: 80, protocol: 'tcp', scheduler: 'wlc',
  persistenceTimeoutS: 0, onePacket: false, destinations: [],
};
const table: IpvsTable = new MemoryTable();
await table.apply(planTable([service], await table.read(), new Set()));
console.log((await table.read()).length);
try {
  portless();
} catch (error) {
  if (!(error instanceof IpvigilError)) throw error;
  const code: ErrorCode = error.code;
  console.log(code);
}
`;

describe('the package', function () {
  this.timeout(20_000);

  it('is used from TypeScript with moduleResolution nodenext: its types resolve, and its modules run', async () => {
    const root = packageRoot();
    const folder = mkdtempSync(join(tmpdir(), 'ipvigil-consumer-'));
    try {
      const pack = await runProgram(
        'npm',
        [
          'pack',
          '--ignore-scripts',
          '--silent',
          '--offline',
          '--cache',
          join(folder, 'cache'),
          '--pack-destination',
          folder,
        ],
        { cwd: root },
      ).ended;
      expect(pack.code, pack.stderr).to.equal(0);
      const modules = join(folder, 'node_modules');
      mkdirSync(join(modules, 'ipvigil'), { recursive: true });
      const tarball = join(folder, pack.stdout.trim().split('\n').at(-1)!);
      const unpack = await runProgram('tar', ['-xzf', tarball, '-C', join(modules, 'ipvigil'), '--strip-components=1'])
        .ended;
      expect(unpack.code, unpack.stderr).to.equal(0);
      for (const dependency of ['koffi', '@koromix', 'eventemitter3', '@types', 'undici-types']) {
        if (existsSync(join(root, 'node_modules', dependency))) {
          symlinkSync(join(root, 'node_modules', dependency), join(modules, dependency));
        }
      }
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
      writeFileSync(join(folder, 'consumer.ts'), consumer);
      const options = {
        target: 'es2023',
        module: 'nodenext',
        strict: true,
        types: ['node'],
        exactOptionalPropertyTypes: true,
      };
      // Without skipLibCheck: a declaration that does not resolve is an error here, as it is for such a user.
      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: options, files: ['consumer.ts'] }),
      );
      const check = await runProgram(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
        .ended;
      expect(check.stdout).to.equal('');
      const run = await runProgram(process.execPath, ['consumer.js'], { cwd: folder }).ended;
      expect(run.stderr).to.equal('');
      expect(run.stdout).to.equal('up true\ndown retries-used-up 2\n1\nERR_INVALID_ARGUMENT\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('docs/errors.md', () => {
  it('has a row and a paragraph for each code, and for no other', () => {
    const read = (path: string): string => readFileSync(join(packageRoot(), path), 'utf8');
    const union = read('lib/errors.ts').split('export type ErrorCode =')[1]!.split(';')[0]!;
    const codes = [...union.matchAll(/'(ERR_[A-Z_]+)'/g)].map(([, code]) => code);
    const page = read('docs/errors.md');
    expect(codes).to.not.be.empty;
    expect([...page.matchAll(/^## (ERR_[A-Z_]+)$/gm)].map(([, code]) => code)).to.deep.equal(codes);
    expect([...page.matchAll(/^\| \[`(ERR_[A-Z_]+)`\]/gm)].map(([, code]) => code)).to.deep.equal(codes);
  });
});
