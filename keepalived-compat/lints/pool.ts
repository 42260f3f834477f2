/** Lints about the pool: its servers, their weights, the scheduler, the quorum. */
import { formatEndpoint } from '../../lib/address/endpoint.ts';
import { exampleService, tcpCheck, twoServers } from './example.ts';
import type { Lint } from './lint.ts';

const singleRealServer: Lint = {
  code: 'single-real-server',
  severity: 'info',
  explanation: {
    text: `A virtual server with one real server and no sorry server balances nothing, and nobody takes over when that server
is down: its check can only take the service away. Add a second real server, or a sorry_server that tells clients what
is going on.`,
    example: exampleService({ servers: twoServers(tcpCheck).slice(0, 1) }),
    better: exampleService({
      settings: ['sorry_server 192.0.2.99 80'],
      servers: twoServers(tcpCheck).slice(0, 1),
    }),
  },
  find({ at, name, server, realServers }) {
    if (realServers.length !== 1 || server.sorryServer !== undefined) return [];
    return [
      { at, message: `${name} has one real server and no sorry server`, hint: 'nothing takes over when it fails' },
    ];
  },
};

const weightZero: Lint = {
  code: 'weight-zero',
  severity: 'info',
  explanation: {
    text: `A real server with weight 0 is in the kernel's table and gets no new connections; those that it has go on. That is how a
server is drained before maintenance. In a file it is easily forgotten: the server then never serves again, and it adds
nothing to the quorum.`,
    example: exampleService({
      servers: [
        { at: '192.0.2.11 80', inside: [tcpCheck] },
        { at: '192.0.2.12 80', inside: ['weight 0', tcpCheck] },
      ],
    }),
    better: exampleService({ servers: twoServers('weight 1', tcpCheck) }),
  },
  find({ realServers }) {
    const idle = realServers.filter(({ server }) => server.weight === 0);
    // That all of them have weight 0 is reported where the file is read.
    if (idle.length === realServers.length) return [];
    return idle.map(({ at, written }) => ({
      at: written('weight') ?? at,
      message: 'weight 0 gives this real server no new connections',
    }));
  },
};

/** Schedulers that only look whether a weight is 0 (net/netfilter/ipvs/ip_vs_rr.c, ip_vs_lc.c, ip_vs_dh.c). */
const weightless = new Set(['rr', 'lc', 'dh']);

const weightsIgnored: Lint = {
  code: 'weights-ignored',
  severity: 'warning',
  explanation: {
    text: `The schedulers rr, lc and dh treat all real servers alike whatever their weights. The weights of the file count for the
quorum only, and a small machine gets as much as a big one. wrr and wlc are the same methods with weights.`,
    example: exampleService({
      settings: ['lb_algo rr'],
      servers: [
        { at: '192.0.2.11 80', inside: ['weight 10', tcpCheck] },
        { at: '192.0.2.12 80', inside: ['weight 1', tcpCheck] },
      ],
    }),
    better: exampleService({
      settings: ['lb_algo wrr'],
      servers: [
        { at: '192.0.2.11 80', inside: ['weight 10', tcpCheck] },
        { at: '192.0.2.12 80', inside: ['weight 1', tcpCheck] },
      ],
    }),
  },
  find({ at, server, realServers, written }) {
    const weights = new Set(realServers.map(({ server: { weight } }) => weight).filter((weight) => weight > 0));
    if (!weightless.has(server.scheduler) || weights.size < 2) return [];
    const weighted = { rr: 'wrr', lc: 'wlc' }[server.scheduler];
    return [
      {
        at: written('lb_algo', 'lvs_sched') ?? at,
        message: `lb_algo ${server.scheduler} does not look at weights, and they differ here`,
        inEffect: 'every real server gets the same share',
        hint: weighted === undefined ? undefined : `${weighted} is the same method with weights`,
      },
    ];
  },
};

const mixedForwarding: Lint = {
  code: 'mixed-forwarding',
  severity: 'info',
  explanation: {
    text: `Some real servers of this virtual server are reached by another forwarding method than others. The kernel carries that
out, but each method wants the real servers set up differently: DR and TUN need the virtual address on the real server,
NAT needs the route back through the director. lvs_method is for that; an lb_kind that stands between real_server blocks
counts only for those behind it, which is often not meant.`,
    example: exampleService({
      settings: ['lb_kind DR'],
      servers: [
        { at: '192.0.2.11 80', inside: [tcpCheck] },
        { at: '192.0.2.12 80', inside: ['lvs_method NAT', tcpCheck] },
      ],
    }),
    better: exampleService({ settings: ['lb_kind DR'], servers: twoServers(tcpCheck) }),
  },
  find({ realServers }) {
    const [first] = realServers;
    if (first === undefined) return [];
    return realServers
      .filter(({ server }) => server.forwarding !== first.server.forwarding)
      .map(({ at, server, written }) => ({
        at: written('lvs_method') ?? at,
        message: `this real server is reached by ${server.forwarding.toUpperCase()}, the first one of the pool by ${first.server.forwarding.toUpperCase()}`,
      }));
  },
};

const thresholdsReversed: Lint = {
  code: 'thresholds-reversed',
  severity: 'warning',
  explanation: {
    text: `A real server gets no new connections from uthreshold on, until it is below lthreshold. The kernel refuses an lthreshold
above uthreshold (ERANGE), also where uthreshold is not written, and the real server does not get into the table.`,
    example: exampleService({
      servers: twoServers('uthreshold 100', 'lthreshold 200', tcpCheck),
    }),
    better: exampleService({ servers: twoServers('uthreshold 200', 'lthreshold 100', tcpCheck) }),
  },
  find({ realServers }) {
    return realServers
      .filter(({ server: { lthreshold, uthreshold } }) => lthreshold > uthreshold)
      .map(({ at, server: { lthreshold, uthreshold }, written }) => ({
        at: written('lthreshold') ?? at,
        message: `lthreshold ${lthreshold} is above uthreshold ${uthreshold}, which the kernel refuses`,
        hint: 'uthreshold stops new connections, lthreshold lets them in again',
      }));
  },
};

/** The unspecified address, multicast (RFC 5771, RFC 4291 section 2.7) and the broadcast address of RFC 919. */
const unusable = /^(?:0\.0\.0\.0|::|255\.255\.255\.255|2(?:2[4-9]|3\d)\..*|ff..:.*)$/;

const unusableAddress: Lint = {
  code: 'unusable-address',
  severity: 'warning',
  explanation: {
    text: `The unspecified address (0.0.0.0 or ::), multicast and broadcast addresses cannot be those of a virtual server or of a
real server: no client's packet arrives for them, and no connection goes to them.`,
    example: exampleService({ target: '0.0.0.0 80', servers: twoServers(tcpCheck) }),
    better: exampleService({ target: '192.0.2.1 80', servers: twoServers(tcpCheck) }),
  },
  find(service) {
    return [service, ...service.realServers]
      .filter(({ server }) => unusable.test(server.address))
      .map(({ at, server }) => ({ at, message: `${server.address} is not the address of one machine` }));
  },
};

/** Schedulers that find the real server by the client's address (ip_vs_sh.c, ip_vs_mh.c). */
const bySource = new Set(['sh', 'mh']);

const persistenceWithHashing: Lint = {
  code: 'persistence-with-hashing',
  severity: 'info',
  explanation: {
    text: `sh and mh compute the real server from the client's address, so a client comes back to the same one anyway. Persistence
on top of it keeps a template for each client in the kernel's memory, and holds clients where they are when a server
comes back. Use one of the two.`,
    example: exampleService({ settings: ['lb_algo sh', 'persistence_timeout 300'], servers: twoServers(tcpCheck) }),
    better: exampleService({ settings: ['lb_algo wlc', 'persistence_timeout 300'], servers: twoServers(tcpCheck) }),
  },
  find({ server, written }) {
    const at = written('persistence_timeout');
    if (at === undefined || !bySource.has(server.scheduler)) return [];
    return [{ at, message: `lb_algo ${server.scheduler} already keeps a client with its real server` }];
  },
};

const inhibitWithHashing: Lint = {
  code: 'inhibit-with-hashing',
  severity: 'warning',
  explanation: {
    text: `With inhibit_on_failure a failed real server stays in the table with weight 0. The schedulers sh and dh choose by a hash
first and look at the weight afterwards: clients whose hash leads to the failed server are refused until it is back.
Without inhibit_on_failure the server is removed, and its clients are spread over the others.`,
    example: exampleService({
      settings: ['lb_algo sh', 'inhibit_on_failure'],
      servers: twoServers(tcpCheck),
    }),
    better: exampleService({ settings: ['lb_algo sh'], servers: twoServers(tcpCheck) }),
  },
  find({ server, realServers, written }) {
    if (server.scheduler !== 'sh' && server.scheduler !== 'dh') return [];
    return realServers
      .filter(({ server: { inhibitOnFailure }, checkers }) => inhibitOnFailure && checkers.length > 0)
      .map((real) => ({
        at: real.written('inhibit_on_failure') ?? written('inhibit_on_failure') ?? real.at,
        message: `lb_algo ${server.scheduler} goes on choosing a real server that inhibit_on_failure keeps with weight 0`,
        inEffect: 'its clients are refused while it is down',
      }));
  },
};

const sorryServerNeverUsed: Lint = {
  code: 'sorry-server-never-used',
  severity: 'warning',
  consequenceOf: 'no-checker',
  explanation: {
    text: `The sorry server serves while the sum of the weights of living real servers is below quorum less hysteresis. A real server
without a checker is always counted as living. When those alone are enough, the quorum is never lost, and the sorry
server never serves. Give every real server a checker.`,
    example: exampleService({
      settings: ['sorry_server 192.0.2.99 80'],
      servers: [
        { at: '192.0.2.11 80', inside: [tcpCheck] },
        { at: '192.0.2.12 80', inside: ['weight 1'] },
      ],
    }),
    better: exampleService({ settings: ['sorry_server 192.0.2.99 80'], servers: twoServers(tcpCheck) }),
  },
  find({ server, realServers, written }) {
    const at = written('sorry_server');
    if (at === undefined || server.sorryServer === undefined) return [];
    // Those with a checker that does not run are reported where the file is read.
    const always = realServers.filter(({ isMeantToBeChecked }) => !isMeantToBeChecked);
    const weight = always.reduce((sum, { server: { weight } }) => sum + weight, 0);
    if (weight === 0 || weight < server.quorum - server.hysteresis) return [];
    return [
      {
        at,
        message: 'real servers without a checker hold the quorum for ever, so the sorry server never serves',
        related: always.slice(0, 8).map((real) => ({ at: real.at, message: 'always counted as alive' })),
      },
    ];
  },
};

const sorryServerIsRealServer: Lint = {
  code: 'sorry-server-is-real-server',
  severity: 'warning',
  explanation: {
    text: `The sorry server serves when too many real servers are down. One that is itself a real server of the pool is likely to be
down at that moment, and is never checked in its role as sorry server.`,
    example: exampleService({ settings: ['sorry_server 192.0.2.12 80'], servers: twoServers(tcpCheck) }),
    better: exampleService({ settings: ['sorry_server 192.0.2.99 80'], servers: twoServers(tcpCheck) }),
  },
  find({ server: { sorryServer }, realServers, written }) {
    const at = written('sorry_server');
    if (sorryServer === undefined || at === undefined) return [];
    const name = formatEndpoint(sorryServer);
    const same = realServers.find(({ server }) => formatEndpoint(server) === name);
    if (same === undefined) return [];
    return [
      {
        at,
        message: `the sorry server ${name} is a real server of the pool`,
        related: [{ at: same.at, message: 'here' }],
      },
    ];
  },
};

const quorumWithoutSorryServer: Lint = {
  code: 'quorum-without-sorry-server',
  severity: 'info',
  explanation: {
    text: `Losing the quorum brings in the sorry server and runs quorum_down. With neither of the two, quorum changes nothing: the
real servers that are alive go on serving, however few they are.`,
    example: exampleService({ settings: ['quorum 2'], servers: twoServers(tcpCheck) }),
    better: exampleService({ settings: ['quorum 2', 'sorry_server 192.0.2.99 80'], servers: twoServers(tcpCheck) }),
  },
  find({ server: { quorum }, written }) {
    const at = written('quorum');
    if (at === undefined || quorum < 2 || written('sorry_server', 'quorum_down', 'quorum_up') !== undefined) return [];
    return [{ at, message: `quorum ${quorum} has no effect without a sorry_server` }];
  },
};

export const poolLints: readonly Lint[] = [
  singleRealServer,
  weightZero,
  weightsIgnored,
  mixedForwarding,
  thresholdsReversed,
  unusableAddress,
  persistenceWithHashing,
  inhibitWithHashing,
  sorryServerNeverUsed,
  sorryServerIsRealServer,
  quorumWithoutSorryServer,
];
