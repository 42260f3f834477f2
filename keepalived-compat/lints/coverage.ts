/** Lints about what the checkers look at, and what nobody looks at. */
import { formatEndpoint } from '../../lib/address/endpoint.ts';
import { exampleService, httpCheck, tcpCheck, twoServers } from './example.ts';
import type { Finding, Lint } from './lint.ts';
import type { CheckerView, RealServerView } from './view.ts';

const noChecker: Lint = {
  code: 'no-checker',
  severity: 'warning',
  explanation: {
    text: `IPVS has no health checks of its own, and a real server without a checker counts as alive for ever. When it dies, every
n-th client is still sent there and waits for nothing. A TCP_CHECK costs one connection per delay_loop.`,
    example: exampleService({
      servers: [
        { at: '192.0.2.11 80', inside: [tcpCheck] },
        { at: '192.0.2.12 80', inside: ['weight 1'] },
      ],
    }),
    better: exampleService({ servers: twoServers(tcpCheck) }),
  },
  find({ realServers }) {
    return realServers
      .filter(({ isMeantToBeChecked }) => !isMeantToBeChecked)
      .map(({ at }) => ({
        at,
        message: 'this real server has no checker',
        inEffect: 'it is always considered up',
        hint: 'write TCP_CHECK { }',
      }));
  },
};

const alphaWithoutChecker: Lint = {
  code: 'alpha-without-checker',
  severity: 'warning',
  consequenceOf: 'no-checker',
  explanation: {
    text: `alpha keeps a real server out of the pool until its first check has passed. Where nothing is checked, nothing can pass:
the server is in the pool from the start, which is what alpha was to prevent.`,
    example: exampleService({
      servers: [
        { at: '192.0.2.11 80', inside: [tcpCheck] },
        { at: '192.0.2.12 80', inside: ['alpha'] },
      ],
    }),
    better: exampleService({ servers: twoServers('alpha', tcpCheck) }),
  },
  find: (service) => withoutChecker(service.realServers, service.written('alpha'), 'alpha', 'it is up from the start'),
};

const inhibitWithoutChecker: Lint = {
  code: 'inhibit-without-checker',
  severity: 'info',
  consequenceOf: 'no-checker',
  explanation: {
    text: `inhibit_on_failure keeps a real server in the table, with weight 0, while its check fails. A server without a checker
never fails, so the setting has nothing to do.`,
    example: exampleService({
      servers: [
        { at: '192.0.2.11 80', inside: [tcpCheck] },
        { at: '192.0.2.12 80', inside: ['inhibit_on_failure'] },
      ],
    }),
    better: exampleService({ servers: twoServers('inhibit_on_failure', tcpCheck) }),
  },
  find: (service) =>
    withoutChecker(service.realServers, service.written('inhibit_on_failure'), 'inhibit_on_failure', 'it never fails'),
};

/** A setting that needs a check: on a real server that has none, or on a virtual server where none has. */
function withoutChecker(
  realServers: readonly RealServerView[],
  onService: Finding['at'] | undefined,
  keyword: string,
  inEffect: string,
): Finding[] {
  const unchecked = realServers.filter(({ isMeantToBeChecked }) => !isMeantToBeChecked);
  const own = unchecked.flatMap(({ written }) => {
    const at = written(keyword);
    return at === undefined ? [] : [{ at, message: `${keyword} has no check to wait for`, inEffect }];
  });
  if (onService === undefined || unchecked.length < realServers.length) return own;
  return [...own, { at: onService, message: `${keyword} has no check to wait for on any real server`, inEffect }];
}

const pingOnly: Lint = {
  code: 'ping-only',
  severity: 'warning',
  explanation: {
    text: `PING_CHECK asks the kernel of a machine, which answers as long as it has power and network. That the web server on it has
ended, or accepts no more connections, is not seen. Add a check that connects to the service.`,
    example: exampleService({ servers: twoServers('PING_CHECK { connect_timeout 3 }') }),
    better: exampleService({ servers: twoServers(tcpCheck) }),
  },
  find({ server, realServers }) {
    if (server.protocol === 'udp') return [];
    return realServers
      .filter(({ checkers }) => checkers.length > 0 && checkers.every(({ config }) => config.kind === 'ping'))
      .map(({ checkers }) => ({
        at: checkers[0]!.at,
        message: 'only PING_CHECK looks at this real server',
        inEffect: 'a program that is dead on a machine that answers stays in the pool',
        hint: 'add a TCP_CHECK',
      }));
  },
};

const udpCheckedByTcp: Lint = {
  code: 'udp-checked-by-tcp',
  severity: 'warning',
  explanation: {
    text: `The virtual server hands out UDP packets, and its real servers are only asked over TCP. Either the service listens on TCP as
well (DNS does) and may fail on one of the two alone, or it does not and the check takes all real servers out. Check
over UDP where that is possible, or ask another sign of life of the same program.`,
    example: exampleService({
      target: '192.0.2.1 53',
      settings: ['protocol UDP'],
      servers: [
        { at: '192.0.2.11 53', inside: [tcpCheck] },
        { at: '192.0.2.12 53', inside: [tcpCheck] },
      ],
    }),
  },
  find({ server, realServers, written }) {
    // Where protocol is not written, that is reported, and it is the cause.
    if (server.protocol !== 'udp' || written('protocol') === undefined) return [];
    return realServers
      .filter(({ checkers }) => checkers.length > 0 && checkers.every(({ config }) => config.kind !== 'ping'))
      .map(({ checkers }) => ({ at: checkers[0]!.at, message: 'a UDP service is only checked over TCP' }));
  },
};

/** The checks that open a connection, with where they go. */
function connecting({ checkers }: RealServerView): { readonly checker: CheckerView; readonly target: string }[] {
  return checkers.flatMap((checker) => {
    const { config } = checker;
    return config.kind === 'ping' ? [] : [{ checker, target: formatEndpoint(config) }];
  });
}

const portUnchecked: Lint = {
  code: 'port-unchecked',
  severity: 'info',
  explanation: {
    text: `All checks of this real server connect to other ports than the one that clients are sent to (connect_port). A port for
health checks is a fine thing when the program behind it looks at the service. That the service's own port takes
connections is not seen by anybody.`,
    example: exampleService({ servers: twoServers('TCP_CHECK { connect_timeout 3; connect_port 8081 }') }),
    better: exampleService({ servers: twoServers(tcpCheck) }),
  },
  find({ realServers }) {
    return realServers.flatMap((real) => {
      const checks = connecting(real);
      const { port, address } = real.server;
      const isElsewhere = checks.some(({ checker }) => checker.config.address !== address);
      const isSeen = checks.some(({ target }) => target === formatEndpoint(real.server));
      if (checks.length === 0 || isElsewhere || isSeen || port === 0) return [];
      const { checker } = checks[0]!;
      return [
        { at: checker.written('connect_port') ?? checker.at, message: `no check connects to port ${port} itself` },
      ];
    });
  },
};

const checkElsewhere: Lint = {
  code: 'check-elsewhere',
  severity: 'info',
  explanation: {
    text: `connect_ip sends this check to another address than the one that clients are sent to. That is right for a machine with an
address of its own for management. It also survives copying a real_server block, and then the check of one machine
decides about another.`,
    example: exampleService({
      servers: [
        { at: '192.0.2.11 80', inside: ['TCP_CHECK { connect_ip 198.51.100.11; connect_timeout 3 }'] },
        { at: '192.0.2.12 80', inside: [tcpCheck] },
      ],
    }),
    better: exampleService({ servers: twoServers(tcpCheck) }),
  },
  find({ realServers }) {
    return checksElsewhere(realServers)
      .filter(({ users }) => users === 1)
      .map(({ at }) => ({ at, message: 'this check connects to another address than that of its real server' }));
  },
};

const sameCheckTarget: Lint = {
  code: 'same-check-target',
  severity: 'warning',
  explanation: {
    text: `Several real servers are checked by connecting to one and the same place, which is at most one of them. They all leave the
pool together and come back together, whatever state each is in. Usually connect_ip was copied from one real_server
block to the next.`,
    example: exampleService({
      servers: twoServers('TCP_CHECK { connect_ip 192.0.2.11; connect_timeout 3 }'),
    }),
    better: exampleService({ servers: twoServers(tcpCheck) }),
  },
  find({ realServers }) {
    return checksElsewhere(realServers)
      .filter(({ users }) => users > 1)
      .map(({ at, target }) => ({
        at,
        message: `checks of several real servers connect to ${target}`,
        inEffect: 'they go up and down together',
      }));
  },
};

function targetOf(config: CheckerView['config']): string {
  return config.kind === 'ping' ? config.address : formatEndpoint(config);
}

/** Checks that do not look at their own real server, with the number of real servers that share the target. */
function checksElsewhere(
  realServers: readonly RealServerView[],
): { readonly at: Finding['at']; readonly target: string; readonly users: number }[] {
  const elsewhere = realServers.flatMap(({ checkers, server }) =>
    checkers.filter(({ config }) => config.address !== server.address),
  );
  if (elsewhere.length === 0) return [];
  const users = usersOfTargets(realServers);
  return elsewhere.map(({ at, config, written }) => {
    const target = targetOf(config);
    return { at: written('connect_ip') ?? at, target, users: users.get(target)!.size };
  });
}

function usersOfTargets(realServers: readonly RealServerView[]): Map<string, Set<RealServerView>> {
  const users = new Map<string, Set<RealServerView>>();
  for (const real of realServers) {
    for (const { config } of real.checkers) {
      const target = targetOf(config);
      const known = users.get(target);
      if (known === undefined) users.set(target, new Set([real]));
      else known.add(real);
    }
  }
  return users;
}

const duplicateChecker: Lint = {
  code: 'duplicate-checker',
  severity: 'warning',
  explanation: {
    text: `Two checkers of a real server are equal in everything. The second one finds what the first one finds and costs the real
server as much again.`,
    example: exampleService({ servers: twoServers(tcpCheck, tcpCheck) }),
    better: exampleService({ servers: twoServers(tcpCheck) }),
  },
  find({ realServers }) {
    return realServers.flatMap(({ checkers }) => {
      if (checkers.length < 2) return [];
      const seen = new Set<string>();
      return checkers.flatMap(({ at, config }) => {
        const key = JSON.stringify(config);
        if (seen.has(key)) return [{ at, message: 'this real server has the same checker already' }];
        seen.add(key);
        return [];
      });
    });
  },
};

const redundantTcpCheck: Lint = {
  code: 'redundant-tcp-check',
  severity: 'info',
  explanation: {
    text: `An HTTP_GET opens a TCP connection before it asks, so a TCP_CHECK to the same place, no more often, finds nothing of its own.
A TCP_CHECK that runs more often than the HTTP_GET beside it is worth its while, and is not reported.`,
    example: exampleService({ servers: twoServers(tcpCheck, httpCheck) }),
    better: exampleService({ servers: twoServers(httpCheck) }),
  },
  find({ realServers }) {
    return realServers.flatMap((real) => {
      const checks = connecting(real);
      return checks
        .filter(
          ({ checker: { config }, target }) =>
            config.kind === 'tcp' &&
            checks.some(
              (other) =>
                other.checker.config.kind === 'http' &&
                other.target === target &&
                other.checker.config.timing.delayLoop <= config.timing.delayLoop,
            ),
        )
        .map(({ checker: { at } }) => ({
          at,
          message: 'the HTTP_GET of this real server finds all that TCP_CHECK finds',
        }));
    });
  },
};

const fixedBindPort: Lint = {
  code: 'fixed-bind-port',
  severity: 'warning',
  explanation: {
    text: `With bind_port every connection of the check has the same four numbers: two addresses, two ports. The side that closes first
keeps them for a minute (TIME_WAIT), and until then the next check may be refused a connection and take a healthy
server out. Let the kernel choose the port, or use fwmark to recognize the packets of checks.`,
    example: exampleService({
      servers: twoServers('TCP_CHECK { connect_timeout 3; bindto 192.0.2.250; bind_port 4000 }'),
    }),
    better: exampleService({ servers: twoServers('TCP_CHECK { connect_timeout 3; bindto 192.0.2.250 }') }),
  },
  find({ realServers }) {
    return realServers.flatMap((real) =>
      connecting(real).flatMap(({ checker: { at, config, written } }) =>
        config.kind !== 'ping' && config.bindPort !== undefined && config.bindPort !== 0
          ? [
              {
                at: written('bind_port') ?? at,
                message: 'the connection before may still hold this port when the next check begins',
                hint: 'leave bind_port out: the kernel chooses a free one',
              },
            ]
          : [],
      ),
    );
  },
};

export const coverageLints: readonly Lint[] = [
  noChecker,
  alphaWithoutChecker,
  inhibitWithoutChecker,
  pingOnly,
  udpCheckedByTcp,
  portUnchecked,
  checkElsewhere,
  sameCheckTarget,
  duplicateChecker,
  redundantTcpCheck,
  fixedBindPort,
];
