import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Lab, ScenarioFailure } from '../lab/machine.ts';
import { membersOf } from '../lab/process-group.ts';
import type { ForwardingResult } from '../lab/scenarios/forwarding.ts';
import type { Hello } from '../lab/scenarios/hello.ts';
import type { Misbehaviour } from '../lab/scenarios/misbehave.ts';
import type { NatResult } from '../lab/scenarios/nat.ts';
import { skipWith, useLab } from './shared-lab.ts';

async function failureOf(run: Promise<unknown>): Promise<ScenarioFailure> {
  const error = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(ScenarioFailure);
  return error as ScenarioFailure;
}

describe('the lab', function () {
  this.timeout(60_000);
  const lab = useLab();

  it('has a kernel with IPVS and runs the same node as the host', async () => {
    expect(lab().facts.ipvs).to.match(/^\d+\.\d+\.\d+$/);
    expect(lab().facts.node).to.equal(process.version);
    const { result } = await lab().run<Hello>('hello', { text: 'ä'.repeat(20_000) });
    expect(result.kernel).to.equal(lab().facts.kernel);
    expect(result.table).to.match(/^IP Virtual Server version /);
    expect(result.echo).to.deep.equal({ text: 'ä'.repeat(20_000) });
  });

  it('sends clients to both real servers in turn through a service made by ipvsadm', async () => {
    const { result } = await lab().run<NatResult>('nat', { requests: 20, rate: 20 });
    const answers = result.records.map((record) => record.answer ?? record.failure);
    expect(new Set(answers)).to.deep.equal(new Set(['rs1', 'rs2']));
    answers.slice(1).forEach((answer, index) => {
      expect(answer, `answer ${index + 1} of ${answers.join(' ')}`).not.to.equal(answers[index]);
    });
    expect(result.table).to.match(/^TCP {2}172\.16\.10\.81:80 rr$/m);
    const service = '172.16.10.81:80/tcp';
    expect(result.changes.map(({ at: _, after: __, ...change }) => change)).to.deep.equal([
      { kind: 'service-added', service },
      { kind: 'destination-added', service, destination: '192.168.10.71:80', weight: 1 },
      { kind: 'destination-added', service, destination: '192.168.10.72:80', weight: 1 },
      { kind: 'weight-changed', service, destination: '192.168.10.72:80', from: 1, weight: 0 },
      { kind: 'destination-removed', service, destination: '192.168.10.71:80', weight: 1 },
      { kind: 'destination-removed', service, destination: '192.168.10.72:80', weight: 0 },
      { kind: 'service-removed', service },
    ]);
    expect(result.commands).to.include({ NEW_SERVICE: 1, NEW_DEST: 2, SET_DEST: 1, DEL_DEST: 1, DEL_SERVICE: 1 });
  });

  for (const [method, kind] of [
    ['dr', 'Route'],
    ['tun', 'Tunnel'],
  ] as const) {
    it(`carries answers past the director with forwarding method ${kind}`, async () => {
      const { result } = await lab().run<ForwardingResult>('forwarding', { method });
      expect(new Set(result.answers)).to.deep.equal(new Set(['rs1', 'rs2']));
      expect(result.table.match(new RegExp(` ${kind} `, 'g'))).to.have.length(2);
      // Real servers hold the virtual address as well, and must not have answered for it.
      expect(result.neighbour.vip).to.equal(result.neighbour.director);
    });
  }

  it('ends a scenario that hangs or spins at its time limit and goes on', async () => {
    for (const kind of ['hang', 'spin'] as const) {
      const failure = await failureOf(lab().run('misbehave', { kind } satisfies Misbehaviour, { timeLimitMs: 4000 }));
      expect(failure.outcome).to.equal('timed-out');
      expect(failure.message).to.include('was ended after 4000 ms');
      expect(failure.log).to.include(`about to ${kind}`);
    }
    await lab().run('hello');
  });

  it('says what a scenario threw, or that its process ended', async () => {
    const thrown = await failureOf(lab().run('misbehave', { kind: 'throw' } satisfies Misbehaviour));
    expect(thrown.outcome).to.equal('threw');
    expect(thrown.message).to.include('TypeError: thrown on purpose');
    expect(thrown.message).to.include('misbehave.ts:');
    const exited = await failureOf(lab().run('misbehave', { kind: 'exit' } satisfies Misbehaviour));
    expect(exited.outcome).to.equal('died');
    expect(exited.message).to.include('code 3');
  });

  it('cancels a scenario on request', async () => {
    const signal = AbortSignal.timeout(1000);
    const failure = await failureOf(lab().run('misbehave', { kind: 'hang' } satisfies Misbehaviour, { signal }));
    expect(failure.outcome).to.equal('cancelled');
  });
});

describe('a lab of its own', function () {
  this.timeout(120_000);
  const shared = useLab();

  it('leaves no process and no file behind, after a crash of its kernel neither', async function () {
    if (shared().kind !== 'guest') {
      skipWith(this, "only a guest can be crashed; this is the host's own kernel");
    }
    const lab = await Lab.boot({ machine: 'guest' });
    const crashed = lab.traces;
    try {
      const failure = await failureOf(lab.run('misbehave', { kind: 'panic' } satisfies Misbehaviour));
      expect(failure.outcome).to.equal('machine-lost');
      expect(failure.message).to.match(/Kernel panic.*sysrq triggered crash/);
      expect(lab.traces).to.deep.equal(crashed);
      await lab.run('hello');
      expect(lab.traces).not.to.deep.equal(crashed);
    } finally {
      await lab.close();
    }
    await lab.close();
    for (const { group, folder } of [crashed, lab.traces]) {
      expect(fs.existsSync(folder), folder).to.equal(false);
      expect(membersOf(group), `processes of group ${group}`).to.deep.equal([]);
    }
  });

  it('is cleared away when the process that booted it is killed', async function () {
    if (shared().kind !== 'guest') {
      skipWith(this, "only a guest can be crashed; this is the host's own kernel");
    }
    const child = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `const { Lab } = await import(${JSON.stringify(new URL('../lab/machine.js', import.meta.url).href)});
       const lab = await Lab.boot({ machine: 'guest' });
       console.log(JSON.stringify(lab.traces));
       lab.run('misbehave', { kind: 'spin' });`,
    ]);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { group, folder } = JSON.parse(line.toString()) as Lab['traces'];
    expect(membersOf(group)).not.to.deep.equal([]);
    child.kill('SIGKILL');
    const until = performance.now() + 10_000;
    while ((fs.existsSync(folder) || membersOf(group).length > 0) && performance.now() < until) {
      await sleep(20);
    }
    expect(fs.existsSync(folder), folder).to.equal(false);
    expect(membersOf(group)).to.deep.equal([]);
  });
});
