import { expect } from 'chai';
import * as fc from 'fast-check';
import { describe, it } from 'mocha';
import { formatEndpoint } from '../../lib/address/endpoint.ts';
import { ipAddress } from '../../lib/address/ip-address.ts';
import { applyCommand, applyToTable, refusalOf, tableMap } from '../../lib/ipvs/apply.ts';
import { formatCommandLine } from '../../lib/ipvs/command.ts';
import { planService, planTable } from '../../lib/ipvs/plan.ts';
import {
  type Destination,
  type IpvsCommand,
  type Service,
  type ServiceStatus,
  serviceKey,
} from '../../lib/ipvs/service.ts';

const rs = (n: number, more: Partial<Destination> = {}): Destination => ({
  address: ipAddress(`10.0.1.${n}`),
  port: 80,
  weight: 1,
  forwarding: 'nat',
  uthreshold: 0,
  lthreshold: 0,
  ...more,
});

const vs = (n: number, destinations: readonly Destination[] = [], more: Partial<Service> = {}): Service => ({
  address: ipAddress(`10.0.0.${n}`),
  port: 80,
  protocol: 'tcp',
  scheduler: 'wrr',
  persistenceTimeoutS: 0,
  onePacket: false,
  destinations,
  ...more,
});

const none: ReadonlySet<string> = new Set();

/** Without the time. */
function lines(commands: readonly IpvsCommand[]): readonly string[] {
  return commands.map((command) => formatCommandLine(0, command).slice('0.000 '.length));
}

// Few addresses, so that tables overlap.
const destination: fc.Arbitrary<Destination> = fc.record({
  address: fc.integer({ min: 1, max: 5 }).map((n) => ipAddress(`10.0.1.${n}`)),
  port: fc.constantFrom(80, 8080),
  weight: fc.constantFrom(0, 1, 2, 100),
  forwarding: fc.constantFrom('nat', 'dr', 'tun'),
  uthreshold: fc.constantFrom(0, 10),
  lthreshold: fc.constant(0),
});
const service: fc.Arbitrary<Service> = fc.record({
  address: fc.integer({ min: 1, max: 4 }).map((n) => ipAddress(`10.0.0.${n}`)),
  port: fc.constantFrom(80, 443),
  protocol: fc.constantFrom('tcp', 'udp'),
  scheduler: fc.constantFrom('rr', 'wrr'),
  persistenceTimeoutS: fc.constantFrom(0, 60),
  onePacket: fc.boolean(),
  destinations: fc.uniqueArray(destination, { selector: formatEndpoint, maxLength: 6 }),
});
const tableOf = fc.uniqueArray(service, { selector: serviceKey, maxLength: 8 });
const kernelOf: fc.Arbitrary<readonly ServiceStatus[]> = tableOf.chain((services) =>
  fc
    .array(fc.boolean(), { minLength: services.length, maxLength: services.length })
    .map((odd) => services.map((one, i) => (odd[i] ? { ...one, deviation: { netmask: '255.255.0.0' } } : one))),
);
const cases = fc
  .tuple(tableOf, kernelOf)
  .chain(([desired, kernel]) =>
    fc.tuple(fc.constant(desired), fc.constant(kernel), fc.subarray(kernel.map(serviceKey))),
  );

/** A table as comparable text: services and destinations in no particular order. */
function shape(services: readonly ServiceStatus[]): readonly string[] {
  return services
    .map(({ destinations, ...settings }) =>
      JSON.stringify([
        serviceKey(settings),
        settings.scheduler,
        settings.persistenceTimeoutS,
        settings.onePacket,
        settings.deviation,
        destinations.map((d) => [formatEndpoint(d), d.weight, d.forwarding, d.uthreshold, d.lthreshold]).sort(),
      ]),
    )
    .sort();
}

/** What should come out, the slow and obvious way. */
function expected(
  desired: readonly Service[],
  kernel: readonly ServiceStatus[],
  owned: readonly string[],
): readonly string[] {
  const foreign = kernel.filter(
    (one) => !desired.some((other) => serviceKey(other) === serviceKey(one)) && !owned.includes(serviceKey(one)),
  );
  return shape([...desired, ...foreign]);
}

describe('planTable', () => {
  it('leads to the desired services and leaves the foreign ones, with commands that the kernel accepts one by one', () => {
    fc.assert(
      fc.property(cases, ([desired, kernel, owned]) => {
        const table = tableMap(kernel);
        for (const command of planTable(desired, kernel, new Set(owned))) {
          expect(refusalOf(table, command)).to.equal(undefined);
          applyCommand(table, command);
        }
        expect(shape([...table.values()])).to.deep.equal(expected(desired, kernel, owned));
      }),
      { numRuns: 1000 },
    );
  });

  it('plans nothing the second time', () => {
    fc.assert(
      fc.property(cases, ([desired, kernel, owned]) => {
        const after = applyToTable(kernel, planTable(desired, kernel, new Set(owned)));
        expect(planTable(desired, after, new Set(owned))).to.deep.equal([]);
      }),
    );
  });

  it('needs every one of its commands: without any of them the result is another', () => {
    fc.assert(
      fc.property(cases, ([desired, kernel, owned]) => {
        const commands = planTable(desired, kernel, new Set(owned));
        const goal = expected(desired, kernel, owned);
        for (const i of commands.keys()) {
          expect(shape(applyToTable(kernel, commands.toSpliced(i, 1)))).to.not.deep.equal(goal);
        }
      }),
    );
  });

  it('touches each service and each destination at most once', () => {
    fc.assert(
      fc.property(cases, ([desired, kernel, owned]) => {
        const touched = planTable(desired, kernel, new Set(owned)).map((command) =>
          'destination' in command
            ? `${serviceKey(command.service)} ${formatEndpoint(command.destination)}`
            : serviceKey(command.service),
        );
        expect(new Set(touched).size).to.equal(touched.length);
      }),
    );
  });

  it('never empties a pool that is not empty before and after, nor takes all its weight', () => {
    fc.assert(
      fc.property(cases, ([desired, kernel, owned]) => {
        const commands = planTable(desired, kernel, new Set(owned));
        const table = tableMap(kernel);
        const after = tableMap(applyToTable(kernel, commands));
        const before = tableMap(kernel);
        for (const command of commands) {
          applyCommand(table, command);
          for (const [key, now] of table) {
            const [was, shallBe] = [before.get(key), after.get(key)];
            if (was === undefined || shallBe === undefined) continue;
            const size = Math.min(was.destinations.length, shallBe.destinations.length);
            expect(now.destinations.length).to.be.at.least(size);
            if (weightOf(was) > 0 && weightOf(shallBe) > 0) expect(weightOf(now)).to.be.greaterThan(0);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('plans the same for the same tables, and does not change them', () => {
    fc.assert(
      fc.property(cases, ([desired, kernel, owned]) => {
        const before = JSON.stringify([desired, kernel]);
        const commands = planTable(desired, kernel, new Set(owned));
        expect(planTable(structuredClone(desired), structuredClone(kernel), new Set(owned))).to.deep.equal(commands);
        expect(JSON.stringify([desired, kernel])).to.equal(before);
      }),
    );
  });

  it('does not care in which order the kernel lists services and destinations, except for removals', () => {
    fc.assert(
      fc.property(cases, ([desired, kernel, owned]) => {
        const shuffled = kernel.toReversed().map((one) => ({ ...one, destinations: one.destinations.toReversed() }));
        const isRemoval = ({ kind }: IpvsCommand): boolean => kind.startsWith('DEL');
        const plan = (table: readonly ServiceStatus[]): readonly IpvsCommand[] =>
          planTable(desired, table, new Set(owned));
        expect(plan(shuffled).filter((command) => !isRemoval(command))).to.deep.equal(
          plan(kernel).filter((command) => !isRemoval(command)),
        );
        expect(lines(plan(shuffled)).toSorted()).to.deep.equal(lines(plan(kernel)).toSorted());
      }),
    );
  });

  it('adds a service and its real servers in the order of the configuration', () => {
    expect(lines(planTable([vs(1, [rs(3), rs(1, { weight: 5 }), rs(2)])], [], none))).to.deep.equal([
      'NEW_SERVICE TCP 10.0.0.1:80',
      'NEW_DEST TCP 10.0.0.1:80 10.0.1.3:80 1',
      'NEW_DEST TCP 10.0.0.1:80 10.0.1.1:80 5',
      'NEW_DEST TCP 10.0.0.1:80 10.0.1.2:80 1',
    ]);
  });

  it('changes one weight with exactly one command', () => {
    const commands = planTable([vs(1, [rs(1), rs(2, { weight: 7 })]), vs(2)], [vs(2), vs(1, [rs(2), rs(1)])], none);
    expect(lines(commands)).to.deep.equal(['SET_DEST TCP 10.0.0.1:80 10.0.1.2:80 7']);
  });

  it('lets the sorry server enter before the last real server leaves', () => {
    expect(lines(planTable([vs(1, [rs(99)])], [vs(1, [rs(1), rs(2)])], none))).to.deep.equal([
      'NEW_DEST TCP 10.0.0.1:80 10.0.1.99:80 1',
      'DEL_DEST TCP 10.0.0.1:80 10.0.1.1:80 0',
      'DEL_DEST TCP 10.0.0.1:80 10.0.1.2:80 0',
    ]);
  });

  it('lets the sorry server enter before the last real server is inhibited', () => {
    const desired = vs(1, [rs(1, { weight: 0 }), rs(99)]);
    expect(lines(planTable([desired], [vs(1, [rs(1)])], none))).to.deep.equal([
      'NEW_DEST TCP 10.0.0.1:80 10.0.1.99:80 1',
      'SET_DEST TCP 10.0.0.1:80 10.0.1.1:80 0',
    ]);
  });

  it('changes scheduler, persistence and one-packet scheduling with one SET_SERVICE', () => {
    const desired = vs(1, [rs(1)], { scheduler: 'sh', persistenceTimeoutS: 60, onePacket: true });
    expect(planTable([desired], [vs(1, [rs(1)])], none)).to.deep.equal([
      {
        kind: 'SET_SERVICE',
        service: {
          address: '10.0.0.1',
          port: 80,
          protocol: 'tcp',
          scheduler: 'sh',
          persistenceTimeoutS: 60,
          onePacket: true,
        },
      },
    ]);
  });

  it('removes a service that is ours with one command, and leaves one that is not', () => {
    const kernel = [vs(1, [rs(1), rs(2)]), vs(2, [rs(1)])];
    expect(lines(planTable([], kernel, new Set(['10.0.0.1:80/tcp', '10.9.9.9:80/tcp'])))).to.deep.equal([
      'DEL_SERVICE TCP 10.0.0.1:80',
    ]);
  });

  it('makes a service plain again that somebody gave a netmask, and a destination with another tunnel', () => {
    const kernel: ServiceStatus = {
      ...vs(1),
      deviation: { netmask: '255.255.255.0' },
      destinations: [{ ...rs(1, { forwarding: 'tun' }), deviation: { tunnelType: 'gue' } }, rs(2)],
    };
    expect(lines(planTable([vs(1, [rs(1, { forwarding: 'tun' }), rs(2)])], [kernel], none))).to.deep.equal([
      'SET_SERVICE TCP 10.0.0.1:80',
      'SET_DEST TCP 10.0.0.1:80 10.0.1.1:80 1',
    ]);
  });

  it('does not look at connection counts', () => {
    const kernel: ServiceStatus = {
      ...vs(1),
      destinations: [{ ...rs(1), activeConnections: 5, inactiveConnections: 9 }],
    };
    expect(planTable([vs(1, [rs(1)])], [kernel], none)).to.deep.equal([]);
  });

  it('refuses a desired table that names a service or a real server twice', () => {
    expect(() => planTable([vs(1), vs(1)], [], none)).to.throw(/virtual server 10\.0\.0\.1:80\/tcp: it is named twice/);
    expect(() => planTable([vs(1, [rs(1), rs(1)])], [], none)).to.throw(
      /real server 10\.0\.1\.1:80 of virtual server 10\.0\.0\.1:80\/tcp: it is named twice/,
    );
  });

  it('carries nothing along in its commands that a caller keeps in the same objects', () => {
    const desired = { ...vs(1, [{ ...rs(1), note: 'x' } as Destination]), note: 'y' };
    expect(JSON.stringify(planTable([desired], [], none))).to.not.match(/note/);
  });
});

describe('planService', () => {
  it('plans for one service what planTable plans for it', () => {
    fc.assert(
      fc.property(cases, ([desired, kernel]) => {
        const byKey = tableMap(kernel);
        const one = desired.flatMap((service) => planService(service, byKey.get(serviceKey(service))));
        expect(one).to.deep.equal(planTable(desired, kernel, none));
      }),
    );
  });
});

describe('formatCommandLine', () => {
  it('prints monotonic milliseconds with three decimals, the command, the protocol and the endpoints', () => {
    const command: IpvsCommand = {
      kind: 'SET_DEST',
      service: vs(1, [], { protocol: 'udp' }),
      destination: rs(1, { weight: 9 }),
    };
    expect(formatCommandLine(1234.5, command)).to.equal('1234.500 SET_DEST UDP 10.0.0.1:80 10.0.1.1:80 9');
  });
});

function weightOf({ destinations }: Service): number {
  return destinations.reduce((sum, { weight }) => sum + weight, 0);
}
