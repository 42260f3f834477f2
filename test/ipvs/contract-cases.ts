/**
 * What every IpvsTable does: the kernel's through IpvsClient, the fake kernel's, and MemoryTable. The cases are plain
 * data that throw on failure, so that they also run in a guest with a real kernel, where there is no mocha. They use
 * addresses of documentation ranges only, and each leaves the table as it found it: empty of its services.
 */
import { type Endpoint, formatEndpoint } from '../../lib/address/endpoint.ts';
import { ipAddress } from '../../lib/address/ip-address.ts';
import {
  type Destination,
  type IpvsCommand,
  type Service,
  type ServiceId,
  type ServiceSettings,
  serviceKey,
} from '../../lib/ipvs/service.ts';
import type { CommandOutcome, IpvsTable } from '../../lib/ipvs/table.ts';

export interface ContractCase {
  readonly name: string;
  /** Gets a table without services of its own; throws on failure. */
  run(table: IpvsTable): Promise<void>;
}

const vip4: ServiceId = { address: ipAddress('192.0.2.1'), port: 80, protocol: 'tcp' };
const vip6: ServiceId = { address: ipAddress('2001:db8::1'), port: 443, protocol: 'tcp' };

function settings(id: ServiceId, more: Partial<ServiceSettings> = {}): ServiceSettings {
  return { ...id, scheduler: 'wrr', persistenceTimeoutS: 0, onePacket: false, ...more };
}

function server(text: string, port: number, more: Partial<Destination> = {}): Destination {
  const address = ipAddress(text);
  return { address, port, weight: 1, forwarding: 'nat', uthreshold: 0, lthreshold: 0, ...more };
}

const rs = (n: number, more?: Partial<Destination>): Destination => server(`198.51.100.${n}`, 80, more);

function newService(service: ServiceSettings): IpvsCommand {
  return { kind: 'NEW_SERVICE', service };
}

function newDest(service: ServiceId, destination: Destination): IpvsCommand {
  return { kind: 'NEW_DEST', service, destination };
}

function setDest(service: ServiceId, destination: Destination): IpvsCommand {
  return { kind: 'SET_DEST', service, destination };
}

function delDest(service: ServiceId, { address, port }: Endpoint): IpvsCommand {
  return { kind: 'DEL_DEST', service, destination: { address, port } };
}

function fail(message: string): never {
  throw new Error(message);
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== e) fail(`${what}: expected ${e}, got ${a}`);
}

/** `ok`, or the errno's name, for each outcome. */
function verdicts(outcomes: readonly CommandOutcome[]): readonly string[] {
  return outcomes.map(({ error }) => (error === undefined ? 'ok' : (error.errno?.name ?? error.code)));
}

async function expectVerdicts(table: IpvsTable, steps: readonly (readonly [IpvsCommand, string])[]): Promise<void> {
  const outcomes = await table.apply(steps.map(([command]) => command));
  const describe = (verdict: string, i: number): string => `${steps[i]?.[0].kind} ${verdict}`;
  equal(verdicts(outcomes).map(describe), steps.map(([, verdict]) => verdict).map(describe), 'verdicts');
  equal(
    outcomes.map(({ command }) => command),
    steps.map(([command]) => command),
    'commands of the outcomes',
  );
}

/** Runs `body`, then removes the services, whatever happened. */
async function withServices(table: IpvsTable, ids: readonly ServiceId[], body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } finally {
    await table.apply(ids.map((service) => ({ kind: 'DEL_SERVICE', service })));
  }
}

/** The service as the table gives it, reduced to what was asked for. */
async function readService(table: IpvsTable, id: ServiceId): Promise<Service | undefined> {
  const found = (await table.read()).filter((service) => serviceKey(service) === serviceKey(id));
  if (found.length > 1) fail(`${serviceKey(id)} is ${found.length} times in the table`);
  const [service] = found;
  if (service === undefined) return undefined;
  if ('deviation' in service) fail(`unexpected deviation: ${JSON.stringify(service.deviation)}`);
  return plainService(service);
}

function plainService(service: Service): Service {
  const { address, port, protocol, scheduler, persistenceTimeoutS, onePacket } = service;
  const destinations = service.destinations.map((destination) => {
    if ('deviation' in destination) fail(`unexpected deviation: ${JSON.stringify(destination.deviation)}`);
    return plainDestination(destination);
  });
  return { address, port, protocol, scheduler, persistenceTimeoutS, onePacket, destinations };
}

function plainDestination(destination: Destination): Destination {
  const { address, port, weight, forwarding, uthreshold, lthreshold } = destination;
  return { address, port, weight, forwarding, uthreshold, lthreshold };
}

/** Adds the service, reads it back, and compares. */
function roundTrip(name: string, service: Service): ContractCase {
  return {
    name,
    run: (table) =>
      withServices(table, [service], async () => {
        const { destinations, ...rest } = service;
        await expectVerdicts(table, [
          [newService(rest), 'ok'],
          ...destinations.map((destination) => [newDest(service, destination), 'ok'] as const),
        ]);
        equal(await readService(table, service), plainService(service), serviceKey(service));
      }),
  };
}

export const contractCases: readonly ContractCase[] = [
  roundTrip('an IPv4 service over TCP is read as it was added', { ...settings(vip4), destinations: [rs(1), rs(2)] }),
  roundTrip('an IPv6 service over TCP is read as it was added', {
    ...settings(vip6),
    destinations: [server('2001:db8:1::1', 443), server('2001:db8:1::2', 443)],
  }),
  ...(['tcp', 'udp', 'sctp'] as const).map((protocol) =>
    roundTrip(`a service over ${protocol} is read as it was added`, {
      ...settings({ ...vip4, protocol }),
      destinations: [rs(1)],
    }),
  ),
  ...(['nat', 'dr', 'tun'] as const).map((forwarding) =>
    roundTrip(`forwarding ${forwarding} is read as it was added, for IPv4 and IPv6 alike`, {
      ...settings(vip6),
      destinations: [server('2001:db8:1::1', 443, { forwarding })],
    }),
  ),
  roundTrip('all forwarding methods live in one service', {
    ...settings(vip4),
    destinations: [rs(1, { forwarding: 'nat' }), rs(2, { forwarding: 'dr' }), rs(3, { forwarding: 'tun' })],
  }),
  roundTrip('an IPv4 service forwards to an IPv6 real server through a tunnel', {
    ...settings(vip4),
    destinations: [server('2001:db8:1::1', 80, { forwarding: 'tun' })],
  }),
  roundTrip('weights from 0 to 2147483647 are kept', {
    ...settings(vip4),
    destinations: [rs(1, { weight: 0 }), rs(2, { weight: 65536 }), rs(3, { weight: 2147483647 })],
  }),
  roundTrip('connection thresholds are kept', {
    ...settings(vip4),
    destinations: [rs(1, { uthreshold: 1000, lthreshold: 800 }), rs(2, { uthreshold: 1000 })],
  }),
  roundTrip('persistence is kept, for IPv4', { ...settings(vip4, { persistenceTimeoutS: 360 }), destinations: [] }),
  roundTrip('persistence is kept, for IPv6', { ...settings(vip6, { persistenceTimeoutS: 7200 }), destinations: [] }),
  roundTrip('one-packet scheduling is kept', {
    ...settings({ ...vip4, protocol: 'udp', port: 53 }, { onePacket: true }),
    destinations: [],
  }),
  ...['rr', 'wrr', 'lc', 'wlc', 'sh'].map((scheduler) =>
    roundTrip(`the scheduler ${scheduler} is kept`, { ...settings(vip4, { scheduler }), destinations: [] }),
  ),
  roundTrip('real servers on one address are told apart by their port', {
    ...settings(vip4),
    destinations: [server('198.51.100.1', 8080), server('198.51.100.1', 8081), server('198.51.100.1', 8082)],
  }),
  {
    name: 'services that differ in one part of their identity are different services',
    async run(table) {
      const ids: ServiceId[] = [
        vip4,
        { ...vip4, protocol: 'udp' },
        { ...vip4, port: 81 },
        { ...vip4, address: ipAddress('192.0.2.2') },
        vip6,
      ];
      await withServices(table, ids, async () => {
        await expectVerdicts(
          table,
          ids.flatMap((id, i) => {
            const destination = id === vip6 ? server('2001:db8:1::1', 80) : rs(1 + i);
            return [[newService(settings(id)), 'ok'] as const, [newDest(id, destination), 'ok'] as const];
          }),
        );
        for (const id of ids) equal((await readService(table, id))?.destinations.length, 1, serviceKey(id));
      });
    },
  },
  {
    name: 'destinations are read in the order in which they were added',
    run: (table) =>
      withServices(table, [vip4], async () => {
        const order = [7, 3, 9, 1, 200, 50];
        await expectVerdicts(table, [
          [newService(settings(vip4)), 'ok'],
          ...order.map((n) => [newDest(vip4, rs(n)), 'ok'] as const),
        ]);
        const endpoints = async (): Promise<readonly string[]> =>
          ((await readService(table, vip4))?.destinations ?? []).map(formatEndpoint);
        equal(
          await endpoints(),
          order.map((n) => formatEndpoint(rs(n))),
          'after adding',
        );
        await expectVerdicts(table, [
          [delDest(vip4, rs(3)), 'ok'],
          [setDest(vip4, rs(1, { weight: 5 })), 'ok'],
          [newDest(vip4, rs(3)), 'ok'],
        ]);
        equal(
          await endpoints(),
          [7, 9, 1, 200, 50, 3].map((n) => formatEndpoint(rs(n))),
          'after one has left and come back',
        );
      }),
  },
  {
    name: 'a destination changes its weight, forwarding and thresholds in place',
    run: (table) =>
      withServices(table, [vip4], async () => {
        const changed = rs(1, { weight: 7, forwarding: 'dr', uthreshold: 100, lthreshold: 50 });
        await expectVerdicts(table, [
          [newService(settings(vip4)), 'ok'],
          [newDest(vip4, rs(1)), 'ok'],
          [newDest(vip4, rs(2)), 'ok'],
          [setDest(vip4, changed), 'ok'],
        ]);
        equal((await readService(table, vip4))?.destinations, [changed, rs(2)], 'destinations');
      }),
  },
  {
    name: 'a service changes its scheduler, persistence and one-packet flag, and keeps its destinations',
    async run(table) {
      const id: ServiceId = { ...vip4, protocol: 'udp' };
      await withServices(table, [id], async () => {
        await expectVerdicts(table, [
          [newService(settings(id, { persistenceTimeoutS: 60 })), 'ok'],
          [newDest(id, rs(1)), 'ok'],
          [{ kind: 'SET_SERVICE', service: settings(id, { scheduler: 'rr', onePacket: true }) }, 'ok'],
        ]);
        const expected = { ...settings(id, { scheduler: 'rr', onePacket: true }), destinations: [rs(1)] };
        equal(await readService(table, id), plainService(expected), 'service');
        await expectVerdicts(table, [
          [{ kind: 'SET_SERVICE', service: settings(id, { persistenceTimeoutS: 30 }) }, 'ok'],
        ]);
        const again = { ...settings(id, { persistenceTimeoutS: 30 }), destinations: [rs(1)] };
        equal(await readService(table, id), plainService(again), 'service changed again');
      });
    },
  },
  {
    name: 'a service is removed together with its destinations, and comes back empty',
    run: (table) =>
      withServices(table, [vip4], async () => {
        await expectVerdicts(table, [
          [newService(settings(vip4)), 'ok'],
          [newDest(vip4, rs(1)), 'ok'],
          [newDest(vip4, rs(2)), 'ok'],
          [{ kind: 'DEL_SERVICE', service: vip4 }, 'ok'],
        ]);
        equal(await readService(table, vip4), undefined, 'after the removal');
        await expectVerdicts(table, [[newService(settings(vip4)), 'ok']]);
        equal((await readService(table, vip4))?.destinations, [], 'destinations of the new service');
      }),
  },
  {
    name: 'what is there already is refused with EEXIST and stays as it was',
    run: (table) =>
      withServices(table, [vip4], async () => {
        await expectVerdicts(table, [
          [newService(settings(vip4)), 'ok'],
          [newService(settings(vip4, { scheduler: 'rr' })), 'EEXIST'],
          [newDest(vip4, rs(1)), 'ok'],
          [newDest(vip4, rs(1, { weight: 9 })), 'EEXIST'],
        ]);
        equal(await readService(table, vip4), plainService({ ...settings(vip4), destinations: [rs(1)] }), 'service');
      }),
  },
  {
    name: 'commands on a missing service are refused with ESRCH, on a missing destination with ENOENT',
    run: (table) =>
      withServices(table, [vip4, vip6], async () => {
        await expectVerdicts(table, [
          [{ kind: 'SET_SERVICE', service: settings(vip4) }, 'ESRCH'],
          [{ kind: 'DEL_SERVICE', service: vip4 }, 'ESRCH'],
          [newDest(vip4, rs(1)), 'ESRCH'],
          [setDest(vip4, rs(1)), 'ESRCH'],
          [delDest(vip4, rs(1)), 'ESRCH'],
          [newService(settings(vip4)), 'ok'],
          [setDest(vip4, rs(1)), 'ENOENT'],
          [delDest(vip4, rs(1)), 'ENOENT'],
          [newDest(vip4, rs(1)), 'ok'],
          [setDest(vip4, { ...rs(1), port: 81 }), 'ENOENT'],
          [delDest(vip4, { ...rs(1), port: 81 }), 'ENOENT'],
        ]);
      }),
  },
  {
    name: 'an unknown scheduler is refused with ENOENT, for a new and for a present service',
    run: (table) =>
      withServices(table, [vip4], async () => {
        await expectVerdicts(table, [
          [newService(settings(vip4, { scheduler: 'nosuchone' })), 'ENOENT'],
          [newService(settings(vip4)), 'ok'],
          [{ kind: 'SET_SERVICE', service: settings(vip4, { scheduler: 'nosuchone' }) }, 'ENOENT'],
        ]);
        equal((await readService(table, vip4))?.scheduler, 'wrr', 'scheduler');
      }),
  },
  {
    name: 'a lower threshold above the upper one is refused with ERANGE',
    run: (table) =>
      withServices(table, [vip4], async () => {
        await expectVerdicts(table, [
          [newService(settings(vip4)), 'ok'],
          [newDest(vip4, rs(1, { uthreshold: 10, lthreshold: 11 })), 'ERANGE'],
          [newDest(vip4, rs(1)), 'ok'],
          [setDest(vip4, rs(1, { lthreshold: 1 })), 'ERANGE'],
        ]);
      }),
  },
  {
    name: 'real servers of the other address family, or without a host address, are refused with EINVAL',
    run: (table) =>
      withServices(table, [vip4, vip6], async () => {
        await expectVerdicts(table, [
          [newService(settings(vip4)), 'ok'],
          [newDest(vip4, server('2001:db8:1::1', 80)), 'EINVAL'],
          [newDest(vip4, server('2001:db8:1::1', 80, { forwarding: 'dr' })), 'EINVAL'],
          [newDest(vip4, server('224.0.0.18', 80)), 'EINVAL'],
          [newDest(vip4, server('255.255.255.255', 80)), 'EINVAL'],
          [newService(settings(vip6)), 'ok'],
          [newDest(vip6, rs(1)), 'EINVAL'],
          [newDest(vip6, server('ff02::12', 443)), 'EINVAL'],
        ]);
      }),
  },
  {
    name: 'values that fit no field are refused without a question to the kernel, and the commands around them work',
    run: (table) =>
      withServices(table, [vip4], async () => {
        await expectVerdicts(table, [
          [newService(settings(vip4, { scheduler: 'a-name-of-16-chr' })), 'ERR_INVALID_ARGUMENT'],
          [newService(settings(vip4)), 'ok'],
          [newDest(vip4, rs(1, { weight: -1 })), 'ERR_INVALID_ARGUMENT'],
          [newDest(vip4, rs(1, { weight: 2 ** 31 })), 'ERR_INVALID_ARGUMENT'],
          [newDest(vip4, { ...rs(1), port: 65536 }), 'ERR_INVALID_ARGUMENT'],
          [newDest(vip4, rs(1)), 'ok'],
        ]);
      }),
  },
  {
    name: 'in a batch of 500 the commands behind refused ones are carried out, and the outcomes keep the order',
    run: (table) =>
      withServices(table, [vip4], async () => {
        const steps: (readonly [IpvsCommand, string])[] = [[newService(settings(vip4)), 'ok']];
        const added: Destination[] = [];
        for (let i = 1; i < 500; i++) {
          if (i % 7 === 0) steps.push([newDest(vip4, added[i % added.length]!), 'EEXIST']);
          else if (i % 11 === 0) steps.push([delDest(vip4, server('198.51.100.254', 1)), 'ENOENT']);
          else {
            const destination = server(`198.51.100.${1 + (i % 250)}`, 1000 + i, { weight: i });
            added.push(destination);
            steps.push([newDest(vip4, destination), 'ok']);
          }
        }
        await expectVerdicts(table, steps);
        equal((await readService(table, vip4))?.destinations, added, 'destinations');
      }),
  },
  {
    name: 'batches that are asked for at once are carried out in the order of the calls',
    run: (table) =>
      withServices(table, [vip4], async () => {
        const all = await Promise.all([
          table.apply([newService(settings(vip4)), newDest(vip4, rs(1))]),
          table.apply([newDest(vip4, rs(1)), newDest(vip4, rs(2))]),
          table.apply([delDest(vip4, rs(1))]),
          table.apply([]),
        ]);
        equal(all.map(verdicts), [['ok', 'ok'], ['EEXIST', 'ok'], ['ok'], []], 'verdicts');
        equal((await readService(table, vip4))?.destinations, [rs(2)], 'destinations');
      }),
  },
  {
    name: '300 services with two destinations each are read completely',
    async run(table) {
      const ids = Array.from({ length: 300 }, (_, i): ServiceId => ({ ...vip4, port: 10000 + i }));
      await withServices(table, ids, async () => {
        const outcomes = await table.apply(
          ids.flatMap((id) => [newService(settings(id)), newDest(id, rs(1)), newDest(id, rs(2))]),
        );
        equal(
          verdicts(outcomes).filter((verdict) => verdict !== 'ok'),
          [],
          'refused commands',
        );
        const read = (await table.read()).filter(({ port }) => port >= 10000);
        const keys = read.map(serviceKey).sort();
        equal(keys, ids.map(serviceKey).sort(), 'services');
        for (const service of read) equal(service.destinations.map(plainDestination), [rs(1), rs(2)], 'destinations');
      });
    },
  },
  {
    name: 'a refusal names the command, the place, the errno and its meaning',
    async run(table) {
      const [outcome] = await table.apply([delDest(vip4, rs(1))]);
      const message = outcome?.error?.message ?? 'no error';
      const start = 'remove real server 198.51.100.1:80 from virtual server 192.0.2.1:80/tcp: ESRCH (';
      if (!message.startsWith(start)) fail(`message: ${message}`);
      if (!message.includes('there is no such virtual server')) fail(`message: ${message}`);
      equal(outcome?.error?.code, 'ERR_NETLINK_REFUSED', 'code');
    },
  },
];
