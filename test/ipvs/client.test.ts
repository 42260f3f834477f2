import { expect } from 'chai';
import * as fc from 'fast-check';
import { describe, it } from 'mocha';
import { ipAddress } from '../../lib/address/ip-address.ts';
import { IpvigilError } from '../../lib/errors.ts';
import { IPVS_CMD_ATTR, IPVS_SVC_ATTR } from '../../lib/ipvs/attributes.ts';
import { IpvsClient, type IpvsClientOptions } from '../../lib/ipvs/client.ts';
import { encodeCommand } from '../../lib/ipvs/codec.ts';
import { MemoryTable } from '../../lib/ipvs/memory-table.ts';
import {
  type Destination,
  type IpvsCommand,
  type ServiceSettings,
  type ServiceStatus,
  serviceKey,
} from '../../lib/ipvs/service.ts';
import type { CommandOutcome } from '../../lib/ipvs/table.ts';
import { AttributeWriter } from '../../lib/netlink/attribute.ts';
import { FakeKernel, type FakeKernelOptions } from '../../lib/testing/fake-kernel.ts';
import { milliseconds } from '../../lib/time/duration.ts';
import { ManualClock, settled } from '../netlink/manual-clock.ts';
import { ipvsTableContract } from './contract.ts';

ipvsTableContract('IpvsClient over the fake kernel', async () => {
  const kernel = new FakeKernel();
  const clock = new ManualClock();
  const table = await IpvsClient.open(kernel.open, clock);
  return {
    table,
    async cleanup() {
      expect(kernel.openSockets).to.equal(0);
      expect(clock.armed).to.equal(0);
    },
  };
});

ipvsTableContract('IpvsClient over a fake kernel with small datagrams and uncapped acknowledgements', async () => {
  const kernel = new FakeKernel({ dumpDatagramBytes: 1 });
  kernel.capsAcknowledgements = false;
  return { table: await IpvsClient.open(kernel.open, new ManualClock()), async cleanup() {} };
});

const settings = (n: number, more: Partial<ServiceSettings> = {}): ServiceSettings => ({
  address: ipAddress(`10.0.0.${n}`),
  port: 80,
  protocol: 'tcp',
  scheduler: 'wrr',
  persistenceTimeoutS: 0,
  onePacket: false,
  ...more,
});

const rs = (n: number, more: Partial<Destination> = {}): Destination => ({
  address: ipAddress(`10.0.1.${n}`),
  port: 80,
  weight: 1,
  forwarding: 'nat',
  uthreshold: 0,
  lthreshold: 0,
  ...more,
});

const vs = (n: number, ...destinations: readonly Destination[]): ServiceStatus => ({ ...settings(n), destinations });

async function connect(kernelOptions: FakeKernelOptions = {}, options: IpvsClientOptions = {}) {
  const kernel = new FakeKernel(kernelOptions);
  const clock = new ManualClock();
  const client = await IpvsClient.open(kernel.open, clock, options);
  return { kernel, clock, client };
}

async function failure(promise: Promise<unknown>): Promise<IpvigilError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(IpvigilError);
  return error as IpvigilError;
}

function codes(outcomes: readonly CommandOutcome[]): readonly string[] {
  return outcomes.map(({ error }) => error?.code ?? 'ok');
}

function encodes(command: IpvsCommand): boolean {
  try {
    encodeCommand(command);
    return true;
  } catch {
    return false;
  }
}

const newDests = (service: ServiceSettings, count: number): readonly IpvsCommand[] =>
  Array.from({ length: count }, (_, i) => ({
    kind: 'NEW_DEST',
    service,
    destination: { ...rs(1 + (i % 200)), port: 1000 + i },
  }));

describe('IpvsClient.open', () => {
  it('gives a client that knows version and connection table size', async () => {
    const { client } = await connect();
    expect(await client.info()).to.deep.equal({ version: '1.2.1', connectionTableSize: 4096 });
  });

  it('rejects with ERR_NO_IPVS when the module is not loaded, names the remedy, and leaves no socket', async () => {
    const kernel = new FakeKernel();
    kernel.hasIpvs = false;
    const clock = new ManualClock();
    const error = await failure(IpvsClient.open(kernel.open, clock));
    expect(error.code).to.equal('ERR_NO_IPVS');
    expect(error.message).to.match(/^find the generic netlink family "IPVS": ENOENT .*modprobe ip_vs\)$/);
    expect([kernel.openSockets, clock.armed]).to.deep.equal([0, 0]);
  });

  it('rejects with ERR_PERMISSION without CAP_NET_ADMIN, names the remedy, and leaves no socket', async () => {
    const kernel = new FakeKernel();
    kernel.denied = true;
    const error = await failure(IpvsClient.open(kernel.open, new ManualClock()));
    expect(error.code).to.equal('ERR_PERMISSION');
    expect(error.message).to.match(/^read the version of IPVS: EPERM .*CAP_NET_ADMIN is needed/);
    expect(kernel.openSockets).to.equal(0);
  });

  it('rejects with ERR_NETLINK_TIMEOUT when the kernel does not answer', async () => {
    const kernel = new FakeKernel();
    kernel.hold();
    const clock = new ManualClock();
    const opening = failure(IpvsClient.open(kernel.open, clock, { timeout: milliseconds(200) }));
    await settled();
    clock.advance(200);
    expect((await opening).code).to.equal('ERR_NETLINK_TIMEOUT');
    expect([kernel.openSockets, clock.armed]).to.deep.equal([0, 0]);
  });
});

describe('IpvsClient.read', () => {
  it('gives connection counts', async () => {
    const counted = { ...rs(1), activeConnections: 12, inactiveConnections: 3_000_000_000 };
    const { client } = await connect({ services: [{ ...vs(1), destinations: [counted] }] });
    expect((await client.read())[0]?.destinations).to.deep.equal([counted]);
  });

  it('keeps services on firewall marks out of its result, and tells of them', async () => {
    const writer = new AttributeWriter();
    const fwmark = writer
      .nest(IPVS_CMD_ATTR.SERVICE, () => writer.u16(IPVS_SVC_ATTR.AF, 2).u32(IPVS_SVC_ATTR.FWMARK, 5))
      .finish();
    const { client } = await connect({ services: [vs(1)], otherServices: [fwmark] });
    expect((await client.read()).map(serviceKey)).to.deep.equal(['10.0.0.1:80/tcp']);
    expect(client.others).to.deep.equal(['firewall mark 5']);
  });

  it('uses one dump for the services and one for the destinations of each', async () => {
    const { client, kernel } = await connect({ services: [vs(1, rs(1)), vs(2), vs(3, rs(1), rs(2))] });
    await client.read();
    expect(kernel.counters.dumps).to.equal(4);
  });

  it('has the effect of commands that are given while it runs, without holding them back', async () => {
    const { client, kernel } = await connect({ services: [vs(1, rs(1)), vs(2, rs(1)), vs(3, rs(1))] });
    const reading = client.read();
    // The services are listed newest first: 3 has been read when 1 is.
    while (kernel.counters.dumps < 4) await Promise.resolve();
    const applying = client.apply([
      { kind: 'SET_DEST', service: settings(3), destination: rs(1, { weight: 9 }) },
      { kind: 'NEW_SERVICE', service: settings(4) },
      { kind: 'DEL_SERVICE', service: settings(2) },
    ]);
    expect(kernel.commands).to.have.length(3);
    const table = await reading;
    expect(codes(await applying)).to.deep.equal(['ok', 'ok', 'ok']);
    expect(table.map(serviceKey).toSorted()).to.deep.equal(['10.0.0.1:80/tcp', '10.0.0.3:80/tcp', '10.0.0.4:80/tcp']);
    expect(table.find(({ address }) => address === '10.0.0.3')?.destinations).to.deep.equal([
      { ...rs(1, { weight: 9 }), activeConnections: 0, inactiveConnections: 0 },
    ]);
  });

  it('comes to an end although commands never stop, and is right then', async () => {
    const { client, kernel } = await connect({ services: [vs(1, rs(1)), vs(2, rs(1))] });
    const limit = 1000;
    let weight = 1;
    let stop = false;
    const chatter = async (): Promise<void> => {
      while (!stop && weight < limit) {
        weight++;
        await client.apply([{ kind: 'SET_DEST', service: settings(1), destination: rs(1, { weight }) }]);
      }
    };
    const talking = chatter();
    try {
      for (let i = 0; i < 5; i++) {
        const table = await client.read();
        const seen = table.find(({ address }) => address === '10.0.0.1')?.destinations[0]?.weight;
        // Between the last answer and this line at most the next command has left.
        const now = kernel.services[0]!.destinations[0]!.weight;
        expect(seen).to.be.within(now - 1, now);
      }
      expect(weight).to.be.below(limit);
    } finally {
      stop = true;
      await talking;
    }
  });

  it('waits for a batch that is half sent, and has its effect', async () => {
    const { client, kernel, clock } = await connect({ services: [vs(1), vs(2)] }, { maxCommandsPerSend: 2 });
    kernel.answersUntilOverrun = 0;
    // Two commands leave, their answers are lost, the third one waits for the pause to end.
    const applying = client.apply(newDests(settings(1), 3));
    await settled();
    const reading = client.read();
    await settled();
    expect(kernel.services[0]?.destinations).to.have.length(2);
    clock.advance(0);
    expect(codes(await applying)).to.deep.equal(['ERR_NETLINK_OVERRUN', 'ERR_NETLINK_OVERRUN', 'ok']);
    expect((await reading).find(({ address }) => address === '10.0.0.1')?.destinations).to.have.length(3);
  });

  it('begins again when the kernel marks the dump as inconsistent', async () => {
    const { client, kernel } = await connect({ services: [vs(1, rs(1))] });
    kernel.interruptedDumps = 3;
    expect(await client.read()).to.have.length(1);
    expect(client.counters.dumpRestarts).to.equal(3);
  });

  it('rejects when a dump ends with an errno, and names what it was reading', async () => {
    const { client, kernel } = await connect({ services: [vs(1, rs(1))] });
    kernel.failedDumps = { count: 1, errno: 'ENOMEM' };
    expect((await failure(client.read())).message).to.match(/^read the virtual servers of the IPVS table: ENOMEM/);
    expect(await client.read()).to.have.length(1);
  });

  it('rejects with ERR_PERMISSION when the capability was dropped', async () => {
    const { client, kernel } = await connect();
    kernel.denied = true;
    const error = await failure(client.read());
    expect(error.code).to.equal('ERR_PERMISSION');
    expect(error.hint).to.match(/CAP_NET_ADMIN/);
  });

  it('rejects when an entry cannot be read, rather than give a part of the table', async () => {
    const writer = new AttributeWriter();
    const broken = writer.nest(IPVS_CMD_ATTR.SERVICE, () => writer.u16(IPVS_SVC_ATTR.AF, 2)).finish();
    const { client } = await connect({ services: [vs(1)], otherServices: [broken] });
    expect((await failure(client.read())).code).to.equal('ERR_NETLINK_MALFORMED');
  });

  it('is not disturbed by garbage on the socket', async () => {
    const { client, kernel } = await connect({ services: [vs(1, rs(1))] });
    const reading = client.read();
    kernel.inject(new Uint8Array(37).fill(0xff));
    kernel.inject(new Uint8Array(0));
    expect(await reading).to.have.length(1);
    expect(client.counters.malformed).to.equal(1);
  });

  it('waits for the read before, and gives both callers a table', async () => {
    const { client } = await connect({ services: [vs(1, rs(1))] });
    const [first, second] = await Promise.all([client.read(), client.read()]);
    expect(second).to.deep.equal(first);
  });
});

describe('IpvsClient.apply', () => {
  it('sends up to 512 commands or 64 KiB at once: 2,201 commands in 5 sends, with as many answers', async () => {
    const { client, kernel } = await connect();
    const before = kernel.counters.sends;
    const datagramsBefore = client.counters.datagrams;
    const outcomes = await client.apply([
      { kind: 'NEW_SERVICE', service: settings(1) },
      ...newDests(settings(1), 2200),
    ]);
    expect(new Set(codes(outcomes))).to.deep.equal(new Set(['ok']));
    expect(kernel.counters.sends - before).to.equal(5);
    expect(client.counters.datagrams - datagramsBefore).to.equal(5);
    expect(kernel.counters.lostAnswers).to.equal(0);
  });

  it('gives the kernel one command before it returns to its caller', async () => {
    const { client, kernel } = await connect({ services: [vs(1, rs(1))] });
    void client.apply([{ kind: 'DEL_DEST', service: settings(1), destination: rs(1) }]);
    expect(kernel.services[0]?.destinations).to.deep.equal([]);
  });

  it('reports outcomes as unknown when answers are lost; reading again shows what happened', async () => {
    const { client, kernel, clock } = await connect({ services: [vs(1)] });
    // The last command's acknowledgement is lost; the refusal in front of it is saved.
    kernel.answersUntilOverrun = 1;
    kernel.refuse = (_command, index) => (index === 1 ? { errno: 'ENOMEM' } : undefined);
    const applying = client.apply(newDests(settings(1), 5));
    await settled();
    clock.advance(0);
    const outcomes = await applying;
    // ENOBUFS is read before the answers that were saved, so none of them counts.
    expect(new Set(codes(outcomes))).to.deep.equal(new Set(['ERR_NETLINK_OVERRUN']));
    expect(outcomes[0]?.error?.message).to.match(
      /^add real server 10\.0\.1\.1:1000 to virtual server 10\.0\.0\.1:80\/tcp: ENOBUFS/,
    );
    expect((await client.read())[0]?.destinations).to.have.length(4);
    expect(client.counters.overruns).to.equal(1);
  });

  it('recovers by itself when the receive buffer is smaller than its batches', async () => {
    const { client, kernel, clock } = await connect({ services: [vs(1)], receiveBuffer: 20 });
    kernel.refuse = (_command, index) => (index % 2 === 0 ? { errno: 'ENOMEM' } : undefined);
    const applying = client.apply(newDests(settings(1), 1200));
    let outcomes: readonly CommandOutcome[] | undefined;
    void applying.then((all) => {
      outcomes = all;
    });
    for (let i = 0; i < 100 && outcomes === undefined; i++) {
      await settled();
      clock.advance(0);
    }
    if (outcomes === undefined) expect.fail('the batch does not come to an end');
    // Of 468 (64 KiB), 256, 128 and 64 commands so many are refused that the answers do not fit; of 32 they do.
    const half = (i: number): string => (i % 2 === 0 ? 'ERR_NETLINK_REFUSED' : 'ok');
    expect(codes(outcomes)).to.deep.equal(
      Array.from({ length: 1200 }, (_, i) => (i < 916 ? 'ERR_NETLINK_OVERRUN' : half(i))),
    );
    expect(kernel.services[0]?.destinations).to.have.length(600);
  });

  it('repeats a dump when answers are lost during it', async () => {
    const { client, kernel, clock } = await connect({ services: [vs(1, rs(1), rs(2))], dumpDatagramBytes: 1 });
    const reading = client.read();
    kernel.answersUntilOverrun = 0;
    const applying = client.apply([{ kind: 'NEW_DEST', service: settings(1), destination: rs(3) }]);
    await settled();
    clock.advance(10);
    expect(codes(await applying)).to.deep.equal(['ERR_NETLINK_OVERRUN']);
    expect((await reading)[0]?.destinations.map(({ address }) => address)).to.deep.equal([
      '10.0.1.1',
      '10.0.1.2',
      '10.0.1.3',
    ]);
  });

  it('gives each command the outcome that it has when commands are carried out one by one', async () => {
    // Few addresses, so that the kernel's own rules refuse many; the index of some more is drawn.
    const service = fc.integer({ min: 1, max: 3 }).map((n) => settings(n));
    const destination = fc
      .record({
        n: fc.integer({ min: 1, max: 3 }),
        weight: fc.nat({ max: 2 }),
        lthreshold: fc.constantFrom(0, 0, 0, 9),
      })
      .map(({ n, weight, lthreshold }) => rs(n, { weight, lthreshold, uthreshold: 5 }));
    // The port of some does not fit its field, so they are not sent.
    const odd = fc.constantFrom(rs(1, { weight: -1 }), rs(2, { port: 70_000 }));
    const command: fc.Arbitrary<IpvsCommand> = fc.oneof(
      fc.record({ kind: fc.constantFrom('NEW_SERVICE', 'SET_SERVICE', 'DEL_SERVICE'), service }),
      { arbitrary: fc.record({ kind: fc.constantFrom('NEW_DEST', 'SET_DEST'), service, destination }), weight: 4 },
      fc.record({ kind: fc.constant('DEL_DEST'), service, destination }),
      fc.record({ kind: fc.constant('NEW_DEST'), service, destination: odd }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { maxLength: 40 }),
        fc.uniqueArray(fc.nat({ max: 40 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 100, max: 2000 }),
        fc.nat({ max: 40 }),
        async (commands, refused, maxCommandsPerSend, maxBytesPerSend, cut) => {
          const { client, kernel } = await connect({}, { maxCommandsPerSend, maxBytesPerSend });
          const model = new MemoryTable();
          const expected: (string | undefined)[] = [];
          let arrived = 0;
          for (const one of commands) {
            const sent = encodes(one);
            if (sent && refused.includes(arrived++)) expected.push('ENOMEM');
            else {
              const error = (await model.apply([one]))[0]?.error;
              expected.push(error?.errno?.name ?? error?.code);
            }
          }
          kernel.refuse = (_command, index) => (refused.includes(index) ? { errno: 'ENOMEM' } : undefined);
          // Two batches at once: the second leaves with what the first has left over.
          const outcomes = (
            await Promise.all([client.apply(commands.slice(0, cut)), client.apply(commands.slice(cut))])
          ).flat();
          expect(outcomes.map(({ error }) => error?.errno?.name ?? error?.code)).to.deep.equal(expected);
          expect(outcomes.map(({ command }) => command)).to.deep.equal(commands);
          expect(kernel.services).to.deep.equal(await model.read());
          client.close();
        },
      ),
      { numRuns: 300 },
    );
  });

  it('explains what an errno means for the command at hand', async () => {
    const { client } = await connect({ services: [vs(1, rs(1))] });
    const outcomes = await client.apply([
      { kind: 'NEW_DEST', service: settings(1), destination: rs(1) },
      { kind: 'SET_DEST', service: settings(1), destination: rs(2) },
      { kind: 'DEL_DEST', service: settings(2), destination: rs(1) },
      { kind: 'NEW_SERVICE', service: settings(1) },
      { kind: 'NEW_SERVICE', service: settings(3, { scheduler: 'wrrr' }) },
      { kind: 'NEW_DEST', service: settings(1), destination: { ...rs(3), address: ipAddress('2001:db8::1') } },
      { kind: 'NEW_DEST', service: settings(1), destination: rs(3, { lthreshold: 5, uthreshold: 4 }) },
    ]);
    const again = 'somebody else changed the table; read it again and plan anew';
    expect(outcomes.map(({ error }) => error?.message)).to.deep.equal([
      `add real server 10.0.1.1:80 to virtual server 10.0.0.1:80/tcp: EEXIST (file already exists): the real server is in the table already; ${again}`,
      `change real server 10.0.1.2:80 of virtual server 10.0.0.1:80/tcp: ENOENT (no such file or directory): the virtual server has no such real server; ${again}`,
      `remove real server 10.0.1.1:80 from virtual server 10.0.0.2:80/tcp: ESRCH (no such process): there is no such virtual server; ${again}`,
      `add virtual server 10.0.0.1:80/tcp: EEXIST (file already exists): the virtual server is in the table already; ${again}`,
      'add virtual server 10.0.0.3:80/tcp: ENOENT (no such file or directory): the kernel has no scheduler "wrrr"; load its module (modprobe ip_vs_wrrr) or correct lb_algo',
      'add real server [2001:db8::1]:80 to virtual server 10.0.0.1:80/tcp: EINVAL (invalid argument): real server and virtual server are of different address families; the kernel forwards between IPv4 and IPv6 with lb_kind TUN only, and not while its sync daemon runs',
      'add real server 10.0.1.3:80 to virtual server 10.0.0.1:80/tcp: ERANGE (result too large): lower threshold 5 is above the upper threshold 4',
    ]);
  });

  it('passes on the kernel’s own sentence, and names the attribute that it finds fault with', async () => {
    const { client, kernel } = await connect({ services: [vs(1)] });
    // Header 16, generic header 4, service nest 48, destination nest header 4, family 8, address 20, port 8: FWD_METHOD.
    kernel.refuse = () => ({ errno: 'EINVAL', text: 'integer out of range', offset: 108 });
    for (const capped of [true, false]) {
      kernel.capsAcknowledgements = capped;
      const [outcome] = await client.apply([{ kind: 'NEW_DEST', service: settings(1), destination: rs(1) }]);
      expect(outcome?.error?.message).to.match(
        /EINVAL \(invalid argument\): the kernel says "integer out of range", it finds fault with IPVS_DEST_ATTR_FWD_METHOD/,
      );
    }
  });

  it('reports missing permission per command, with the remedy', async () => {
    const { client, kernel } = await connect({ services: [vs(1)] });
    kernel.denied = true;
    const [outcome] = await client.apply([{ kind: 'DEL_SERVICE', service: settings(1) }]);
    expect(outcome?.error?.code).to.equal('ERR_PERMISSION');
    expect(outcome?.error?.hint).to.match(/CAP_NET_ADMIN/);
  });

  it('rejects when nothing can be sent', async () => {
    const { client, kernel } = await connect({ services: [vs(1)] });
    kernel.sendError = new IpvigilError('ERR_SYSTEM_CALL', { operation: 'send on a netlink socket' });
    expect((await failure(client.apply(newDests(settings(1), 3)))).code).to.equal('ERR_SYSTEM_CALL');
  });

  it('reports commands as unknown when the kernel does not answer in time', async () => {
    const { client, kernel, clock } = await connect({ services: [vs(1)] });
    kernel.hold();
    const applying = client.apply(newDests(settings(1), 2));
    clock.advance(5000);
    const outcomes = await applying;
    expect(codes(outcomes)).to.deep.equal(['ERR_NETLINK_TIMEOUT', 'ERR_NETLINK_TIMEOUT']);
    expect(outcomes[1]?.error?.message).to.equal(
      'add real server 10.0.1.2:1001 to virtual server 10.0.0.1:80/tcp: no answer within 5 s',
    );
    kernel.release();
    await settled();
    expect(client.counters.strays).to.equal(1);
    expect((await client.read())[0]?.destinations).to.have.length(2);
  });

  it('rejects after close, as does a read', async () => {
    const { client, kernel } = await connect({ services: [vs(1)] });
    kernel.hold();
    const pending = [client.read(), client.apply(newDests(settings(1), 2))].map(failure);
    client.close();
    client.close();
    for (const error of await Promise.all(pending)) expect(error.code).to.equal('ERR_NETLINK_CLOSED');
    expect((await failure(client.read())).code).to.equal('ERR_NETLINK_CLOSED');
    expect((await failure(client.apply([]))).code).to.equal('ERR_NETLINK_CLOSED');
    expect(kernel.openSockets).to.equal(0);
  });
});
