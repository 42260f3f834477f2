import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { formatEndpoint } from '../../lib/address/endpoint.ts';
import { IpvigilError } from '../../lib/errors.ts';
import { IpvsClient } from '../../lib/ipvs/client.ts';
import { MemoryTable } from '../../lib/ipvs/memory-table.ts';
import { type IpvsCommand, type Service, type ServiceStatus, serviceKey } from '../../lib/ipvs/service.ts';
import type { CommandOutcome, IpvsTable } from '../../lib/ipvs/table.ts';
import type { VirtualServer } from '../../lib/model/virtual-server.ts';
import { type DirectorEvent, DirectorRunner } from '../../lib/runtime/director-runner.ts';
import { FakeClock } from '../../lib/testing/fake-clock.ts';
import { FakeKernel } from '../../lib/testing/fake-kernel.ts';
import { ScriptedProber } from '../../lib/testing/scripted-prober.ts';
import { check, pass, realServer, settled, virtualServer } from './fixtures.ts';

/** `NEW_DEST 192.0.2.1:80/tcp 10.0.0.11:80=1`. */
function show(command: IpvsCommand): string {
  const words: string[] = [command.kind, serviceKey(command.service)];
  if ('destination' in command) {
    const weight = 'weight' in command.destination ? `=${command.destination.weight}` : '';
    words.push(`${formatEndpoint(command.destination)}${weight}`);
  }
  return words.join(' ');
}

function serviceOf(vs: VirtualServer, weights: Readonly<Record<string, number>>): Service {
  const { address, port, protocol, scheduler, persistenceTimeoutS, onePacket } = vs;
  const destinations = vs.realServers
    .filter((server) => weights[server.address] !== undefined)
    .map(({ address: ip, port: p, forwarding, uthreshold, lthreshold }) => {
      return { address: ip, port: p, forwarding, uthreshold, lthreshold, weight: weights[ip]! };
    });
  return { address, port, protocol, scheduler, persistenceTimeoutS, onePacket, destinations };
}

interface Kind {
  readonly name: string;
  open(
    services: readonly ServiceStatus[],
    clock: FakeClock,
    journal: string[],
  ): Promise<{ table: IpvsTable; services(): Promise<readonly Service[]> }>;
}

const kinds: readonly Kind[] = [
  {
    name: 'a table in memory',
    async open(services, _clock, journal) {
      const record = ({ command, error }: CommandOutcome): void => {
        journal.push(error === undefined ? show(command) : `refused ${show(command)}`);
      };
      const table = new MemoryTable({ services, record });
      return { table, services: () => table.read() };
    },
  },
  {
    name: 'a kernel over netlink',
    async open(services, clock, journal) {
      const kernel = new FakeKernel({ services });
      const push = kernel.commands.push.bind(kernel.commands);
      kernel.commands.push = (...recorded) => {
        for (const { command, errno } of recorded) {
          journal.push(errno === undefined ? show(command) : `refused ${show(command)}`);
        }
        return push(...recorded);
      };
      const table = await IpvsClient.open(kernel.open, clock);
      return { table, services: async () => kernel.services };
    },
  },
];

for (const kind of kinds) {
  describe(`DirectorRunner on ${kind.name}`, () => {
    let clock: FakeClock;
    let prober: ScriptedProber;
    /** Commands as the table saw them, and writings of the record, in order. */
    let journal: string[];
    let events: DirectorEvent[];
    let recorded: ReadonlySet<string>;
    let runner: DirectorRunner;
    let table: IpvsTable;
    let services: () => Promise<readonly Service[]>;
    let recordFault: Error | undefined;
    beforeEach(() => {
      clock = new FakeClock();
      prober = new ScriptedProber(clock, { kind: 'accepts' });
      journal = [];
      events = [];
      recorded = new Set();
      recordFault = undefined;
    });
    afterEach(async () => {
      await runner.stop({ release: false });
      table.close();
      expect(prober.inFlight).to.equal(0);
      expect(clock.armed).to.equal(0);
    });

    async function open(initial: readonly ServiceStatus[] = []): Promise<void> {
      ({ table, services } = await kind.open(initial, clock, journal));
      runner = new DirectorRunner({
        ...{ table, clock, prober, random: () => 0, emit: (event) => events.push(event) },
        record: {
          load: () => recorded,
          save: (keys) => {
            if (recordFault !== undefined) throw recordFault;
            recorded = new Set(keys);
            journal.push(`record ${[...keys].join(' ')}`);
          },
        },
      });
    }
    /** Starts, and forgets what that took. */
    async function started(...virtualServers: readonly VirtualServer[]): Promise<void> {
      await open();
      await runner.start({ virtualServers });
      await pass(clock, 50);
      journal.length = 0;
      events.length = 0;
    }
    const told = (wanted: DirectorEvent['kind']): readonly DirectorEvent[] =>
      events.filter((event) => event.kind === wanted);
    const commands = (): string[] => journal.filter((line) => !line.startsWith('record'));

    const web = virtualServer(1, [realServer(11), realServer(12)]);

    it('writes the record before the first command, and the table in the order of the configuration', async () => {
      await open();
      await runner.start({ virtualServers: [web] });
      expect(journal).to.deep.equal([
        'record 192.0.2.1:80/tcp',
        'NEW_SERVICE 192.0.2.1:80/tcp',
        'NEW_DEST 192.0.2.1:80/tcp 10.0.0.11:80=1',
        'NEW_DEST 192.0.2.1:80/tcp 10.0.0.12:80=1',
      ]);
      expect(events.map((event) => event.kind)).to.deep.equal(['table-changed']);
    });

    it('sends nothing when the record cannot be written', async () => {
      await open();
      recordFault = new Error('disk full');
      const fault = await runner.start({ virtualServers: [web] }).catch((error: unknown) => error);
      expect(fault).to.equal(recordFault);
      expect(journal).to.deep.equal([]);
      expect(runner.checks.running).to.equal(0);
    });

    it('sends nothing when it starts on a table that is right already', async () => {
      await open([serviceOf(web, { '10.0.0.11': 1, '10.0.0.12': 1 })]);
      await runner.start({ virtualServers: [web] });
      await pass(clock, 3000);
      expect(commands()).to.deep.equal([]);
    });

    it('sends the difference when it starts on a table of an earlier run', async () => {
      const stale = virtualServer(7, [realServer(17)]);
      await open([serviceOf(web, { '10.0.0.11': 5 }), serviceOf(stale, { '10.0.0.17': 1 })]);
      recorded = new Set([serviceKey(web), serviceKey(stale)]);
      await runner.start({ virtualServers: [web] });
      expect(journal).to.deep.equal([
        'record 192.0.2.1:80/tcp 192.0.2.7:80/tcp',
        'NEW_DEST 192.0.2.1:80/tcp 10.0.0.12:80=1',
        'SET_DEST 192.0.2.1:80/tcp 10.0.0.11:80=1',
        'DEL_SERVICE 192.0.2.7:80/tcp',
        'record 192.0.2.1:80/tcp',
      ]);
    });

    it('leaves services of others alone, from start to release', async () => {
      const foreign = serviceOf(virtualServer(9, [realServer(19)]), { '10.0.0.19': 3 });
      await open([foreign]);
      await runner.start({ virtualServers: [web] });
      await runner.reload({ virtualServers: [] });
      await runner.reload({ virtualServers: [web] });
      await runner.stop({ release: true });
      expect(journal.filter((line) => line.includes('192.0.2.9'))).to.deep.equal([]);
      expect(await services()).to.deep.equal([foreign]);
    });

    it('takes over an alpha server that the table of an earlier run has with a weight, and no other', async () => {
      const alphas = [11, 12, 13].map((n) => realServer(n, { checkers: [check(n, { alpha: true, warmup: 1000 })] }));
      const vs = virtualServer(1, alphas);
      await open([serviceOf(vs, { '10.0.0.11': 1, '10.0.0.12': 0 })]);
      recorded = new Set([serviceKey(vs)]);
      await runner.start({ virtualServers: [vs] });
      expect(commands()).to.deep.equal(['DEL_DEST 192.0.2.1:80/tcp 10.0.0.12:80']);
    });

    it('does not believe the table of somebody else that an alpha server is up', async () => {
      const vs = virtualServer(1, [realServer(11, { checkers: [check(11, { alpha: true, warmup: 1000 })] })]);
      await open([serviceOf(vs, { '10.0.0.11': 1 })]);
      await runner.start({ virtualServers: [vs] });
      expect(commands()).to.deep.equal(['DEL_DEST 192.0.2.1:80/tcp 10.0.0.11:80']);
    });

    it('takes a dead server out in the turn in which its check fails, and says why', async () => {
      await started(web);
      prober.set('10.0.0.12:80', { kind: 'refuses' });
      clock.advance(1100);
      await settled();
      expect(journal).to.deep.equal(['DEL_DEST 192.0.2.1:80/tcp 10.0.0.12:80']);
      expect(told('server-verdict')).to.have.length(1);
      expect(told('server-verdict')[0]).to.deep.include({
        ...{ kind: 'server-verdict', alive: false, aliveServers: 1, servers: 2, realServer: web.realServers[1] },
        cause: {
          reason: 'connect to 10.0.0.12:80: ECONNREFUSED (connection refused)',
          ...{ times: 2, rule: 'retries-used-up' },
        },
      });
      prober.set('10.0.0.12:80', { kind: 'accepts' });
      await pass(clock, 1100);
      expect(journal.slice(1)).to.deep.equal(['NEW_DEST 192.0.2.1:80/tcp 10.0.0.12:80=1']);
    });

    it('takes all servers of a rack out in one batch', async () => {
      const servers = Array.from({ length: 40 }, (_, i) => realServer(i + 10));
      await started(virtualServer(1, [...servers, realServer(99)]), virtualServer(2, servers));
      for (let n = 10; n < 50; n++) prober.set(`10.0.0.${n}:80`, { kind: 'refuses' });
      await pass(clock, 1200);
      expect(journal).to.have.length(80);
      expect(told('table-changed')).to.have.length(1);
    });

    it('checks a server of two virtual servers once, and takes it out of both', async () => {
      const second = virtualServer(2, [realServer(12), realServer(13)]);
      await started(web, second);
      expect(runner.checks.running).to.equal(3);
      prober.set('10.0.0.12:80', { kind: 'refuses' });
      await pass(clock, 1200);
      expect(journal).to.deep.equal([
        'DEL_DEST 192.0.2.1:80/tcp 10.0.0.12:80',
        'DEL_DEST 192.0.2.2:80/tcp 10.0.0.12:80',
      ]);
      expect(told('check-verdict')).to.have.length(1);
      expect(told('server-verdict')).to.have.length(2);
    });

    it('puts the sorry server in before the last real server goes, and tells of the quorum', async () => {
      const sorryServer = { ...realServer(99), inhibit: false };
      await started(virtualServer(1, [realServer(11)], { sorryServer }));
      prober.set('10.0.0.11:80', { kind: 'refuses' });
      await pass(clock, 1200);
      expect(journal).to.deep.equal([
        'NEW_DEST 192.0.2.1:80/tcp 10.0.0.99:80=1',
        'DEL_DEST 192.0.2.1:80/tcp 10.0.0.11:80',
      ]);
      expect(told('quorum')).to.have.length(1);
      expect(told('quorum')[0]).to.include({ up: false, sum: 0 });
    });

    it('keeps a server whose check could not be made, and says so once', async () => {
      await started(web);
      prober.set('10.0.0.12:80', { kind: 'local-failure' });
      await pass(clock, 3000);
      expect(journal).to.deep.equal([]);
      expect(told('check-postponed')).to.have.length(1);
      prober.set('10.0.0.12:80', { kind: 'accepts' }, { kind: 'local-failure' });
      await pass(clock, 2100);
      expect(told('check-postponed')).to.have.length(2);
    });

    it('carries verdicts that come during a batch out right after it', async () => {
      await started(
        virtualServer(
          1,
          [11, 12, 13, 14].map((n) => realServer(n)),
        ),
      );
      // The table answers late: until `go` is called.
      const apply = table.apply.bind(table);
      let go = (): void => {};
      let batches = 0;
      table.apply = async (batch) => {
        batches++;
        await new Promise<void>((resolve) => {
          go = resolve;
        });
        return apply(batch);
      };
      prober.set('10.0.0.11:80', { kind: 'refuses' });
      await pass(clock, 1200);
      prober.set('10.0.0.12:80', { kind: 'refuses' });
      prober.set('10.0.0.13:80', { kind: 'refuses' });
      await pass(clock, 1200);
      expect(batches).to.equal(1);
      go();
      await settled();
      expect(batches).to.equal(2);
      go();
      await settled();
      expect(journal).to.deep.equal([
        'DEL_DEST 192.0.2.1:80/tcp 10.0.0.11:80',
        'DEL_DEST 192.0.2.1:80/tcp 10.0.0.12:80',
        'DEL_DEST 192.0.2.1:80/tcp 10.0.0.13:80',
      ]);
    });

    describe('a reload', () => {
      it('sends nothing when nothing changed', async () => {
        await started(web);
        await runner.reload({ virtualServers: [structuredClone(web)] });
        expect(commands()).to.deep.equal([]);
        expect(told('table-changed')).to.deep.equal([]);
      });

      it('sends exactly one SET_DEST for one weight', async () => {
        const servers = Array.from({ length: 200 }, (_, i) => realServer(i + 10));
        const other = virtualServer(2, [realServer(11)]);
        await started(virtualServer(1, servers), other);
        const changed = servers.with(150, { ...servers[150]!, weight: 3 });
        await runner.reload({ virtualServers: [virtualServer(1, changed), other] });
        expect(commands()).to.deep.equal(['SET_DEST 192.0.2.1:80/tcp 10.0.0.160:80=3']);
        expect(told('table-changed')).to.have.length(1);
      });

      it('keeps verdicts: a dead server stays out, a changed one has its new weight when it comes back', async () => {
        await started(web);
        prober.set('10.0.0.12:80', { kind: 'refuses' });
        await pass(clock, 1200);
        journal.length = 0;
        await runner.reload({ virtualServers: [virtualServer(1, [realServer(11), realServer(12, { weight: 4 })])] });
        expect(commands()).to.deep.equal([]);
        prober.set('10.0.0.12:80', { kind: 'accepts' });
        await pass(clock, 1200);
        expect(commands()).to.deep.equal(['NEW_DEST 192.0.2.1:80/tcp 10.0.0.12:80=4']);
      });

      it('keeps a dead server out when delay_loop changes', async () => {
        await started(web);
        prober.set('10.0.0.12:80', { kind: 'refuses' });
        await pass(clock, 1200);
        journal.length = 0;
        const slower = [11, 12].map((n) => realServer(n, { checkers: [check(n, { delayLoop: 5000 })] }));
        await runner.reload({ virtualServers: [virtualServer(1, slower)] });
        await pass(clock, 6000);
        expect(commands()).to.deep.equal([]);
      });

      it('removes the services that left, and forgets that they were ours', async () => {
        await started(web, virtualServer(2, [realServer(13)]));
        await runner.reload({ virtualServers: [web] });
        expect(journal).to.deep.equal([
          'record 192.0.2.1:80/tcp 192.0.2.2:80/tcp',
          'DEL_SERVICE 192.0.2.2:80/tcp',
          'record 192.0.2.1:80/tcp',
        ]);
        expect(runner.checks.running).to.equal(2);
      });

      it('changes nothing when the record cannot be written', async () => {
        await started(web);
        recordFault = new Error('disk full');
        const fault = await runner.reload({ virtualServers: [] }).catch((error: unknown) => error);
        recordFault = undefined;
        expect(fault).to.be.an('error');
        expect(commands()).to.deep.equal([]);
        expect(runner.checks.running).to.equal(2);
      });

      it('refuses a virtual server that is named twice, and the old configuration stays', async () => {
        await started(web);
        const twice = [virtualServer(2, [realServer(13)]), virtualServer(2, [realServer(14)])];
        const fault = await runner.reload({ virtualServers: twice }).catch((error: unknown) => error);
        expect(fault).to.be.instanceOf(IpvigilError).with.property('code', 'ERR_INVALID_ARGUMENT');
        expect((fault as Error).message).to.contain('192.0.2.2:80/tcp');
        expect(journal).to.deep.equal([]);
        expect(runner.checks.running).to.equal(2);
      });

      it('tells when a quorum is lost by the new configuration, not by a verdict', async () => {
        await started(web);
        await runner.reload({ virtualServers: [{ ...web, quorum: 3 }] });
        expect(told('quorum')).to.have.length(1);
        expect(told('quorum')[0]).to.include({ up: false, sum: 2 });
      });
    });

    describe('a stop', () => {
      it('leaves the table as it is without release', async () => {
        await started(web);
        await runner.stop({ release: false });
        expect(journal).to.deep.equal([]);
        expect(clock.armed).to.equal(0);
      });

      it('removes all our services with release, and empties the record', async () => {
        await started(web, virtualServer(2, [realServer(13)]));
        await runner.stop({ release: true });
        expect(commands().toSorted()).to.deep.equal(['DEL_SERVICE 192.0.2.1:80/tcp', 'DEL_SERVICE 192.0.2.2:80/tcp']);
        expect(recorded).to.deep.equal(new Set());
        expect(await services()).to.deep.equal([]);
      });

      it('during a start ends it: no checks, no commands', async () => {
        await open();
        const start = runner.start({ virtualServers: [web] });
        await runner.stop({ release: false });
        await start;
        await settled();
        expect(journal).to.deep.equal([]);
        expect(runner.checks.running).to.equal(0);
      });
    });

    it('reports a refused command once, with the place in the file, and tries again ever more rarely', async () => {
      await open();
      const source = { file: '/etc/keepalived/keepalived.conf', line: 12, column: 3 };
      const bad = virtualServer(1, [realServer(11), realServer(12)], { scheduler: 'nonsense', source });
      await runner.start({ virtualServers: [bad, virtualServer(2, [realServer(13)])] });
      expect(told('command-refused')).to.have.length(1);
      expect(told('command-refused')[0]).to.deep.include({ followers: 2, source });
      expect((told('command-refused')[0] as { error: Error }).error.message).to.contain('no scheduler "nonsense"');
      const attempts = (): number => journal.filter((line) => line === 'refused NEW_SERVICE 192.0.2.1:80/tcp').length;
      expect(attempts()).to.equal(1);
      const seen: number[] = [];
      for (let second = 1; second <= 130; second++) {
        const before = attempts();
        await pass(clock, 1000, 500);
        if (attempts() > before) seen.push(second);
      }
      expect(seen.slice(0, 8)).to.deep.equal([1, 3, 7, 15, 31, 61, 91, 121]);
      expect(told('command-refused')).to.have.length(1);
      expect((await services()).map(serviceKey)).to.deep.equal(['192.0.2.2:80/tcp']);
      await runner.reload({ virtualServers: [{ ...bad, scheduler: 'rr' }, virtualServer(2, [realServer(13)])] });
      expect((await services()).map(serviceKey)).to.have.members(['192.0.2.1:80/tcp', '192.0.2.2:80/tcp']);
    });
  });
}

describe('DirectorRunner when answers of the kernel are lost', () => {
  it('reads the table again, and ends with what is wanted', async () => {
    const clock = new FakeClock();
    const prober = new ScriptedProber(clock, { kind: 'accepts' });
    const kernel = new FakeKernel();
    const table = await IpvsClient.open(kernel.open, clock);
    const events: DirectorEvent[] = [];
    let recorded: ReadonlySet<string> = new Set();
    const runner = new DirectorRunner({
      ...{ table, clock, prober, random: () => 0, emit: (event) => events.push(event) },
      record: {
        load: () => recorded,
        save: (keys) => {
          recorded = new Set(keys);
        },
      },
    });
    const servers = Array.from({ length: 20 }, (_, i) => realServer(i + 10));
    kernel.answersUntilOverrun = 5;
    await runner.start({ virtualServers: [virtualServer(1, servers)] });
    for (let i = 0; i < 10; i++) await settled();
    const before = kernel.commands.length;
    await pass(clock, 1500);
    for (let i = 0; i < 10; i++) await settled();
    expect(kernel.services[0]?.destinations).to.have.length(20);
    // The kernel had carried them out: reading shows it, and none is sent twice.
    expect(kernel.commands.length).to.equal(before);
    expect(kernel.commands.filter(({ errno }) => errno !== undefined)).to.deep.equal([]);

    // A second loss, much later, is not made to wait for the first.
    await pass(clock, 60_000, 1000);
    prober.set('10.0.0.10:80', { kind: 'refuses' });
    kernel.answersUntilOverrun = 0;
    await pass(clock, 1200);
    for (let i = 0; i < 10; i++) await settled();
    const dumps = kernel.counters.dumps;
    await pass(clock, 1100);
    expect(kernel.counters.dumps).to.be.greaterThan(dumps);
    expect(kernel.services[0]?.destinations).to.have.length(19);
    await runner.stop({ release: true });
    table.close();
    expect(kernel.services).to.deep.equal([]);
  });
});
