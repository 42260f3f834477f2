import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { ipAddress } from '../../lib/address/ip-address.ts';
import { countAlive, desiredService, initialPool, type PoolState, stepPool } from '../../lib/director/pool.ts';
import type { RealServer, SorryServer, VirtualServer } from '../../lib/model/virtual-server.ts';
import { virtualServerDefaults } from '../../lib/model/virtual-server.ts';
import { tcpCheck } from '../../lib/runtime/checker.ts';

function server(n: number, more: Partial<RealServer> = {}): RealServer {
  const address = ipAddress(`10.0.0.${n}`);
  return {
    ...{ address, port: 80, weight: 1, forwarding: 'nat', uthreshold: 0, lthreshold: 0, inhibitOnFailure: false },
    checkers: [tcpCheck({ address, port: 80 })],
    ...more,
  };
}

const sorry = (more: Partial<SorryServer> = {}): SorryServer => ({
  ...{ address: ipAddress('10.0.0.99'), port: 80, weight: 1, forwarding: 'nat', inhibit: false },
  ...more,
});

const virtualServer = (realServers: readonly RealServer[], more: Partial<VirtualServer> = {}): VirtualServer => ({
  ...virtualServerDefaults,
  ...{ address: ipAddress('192.0.2.1'), port: 80, realServers },
  ...more,
});

/** `11=1 12=0`: last byte and weight of each destination, in order. */
function pooled(vs: VirtualServer, state: PoolState): string {
  return desiredService(vs, state)
    .destinations.map(({ address, weight }) => `${address.split('.')[3]}=${weight}`)
    .join(' ');
}

const allUp = (): boolean => true;

/** The state after these servers' first checkers went down or up, and the changes that were told. */
function after(vs: VirtualServer, verdicts: readonly (readonly [server: number, up: boolean])[]) {
  let state = initialPool(vs, allUp);
  const changes: unknown[] = [];
  for (const [index, up] of verdicts) {
    const step = stepPool(state, { server: index, checker: 0, up }, vs);
    state = step.state;
    changes.push(step.change);
  }
  return { state, changes, pool: pooled(vs, state) };
}

describe('a pool', () => {
  it('has every real server at the start, with its weight, in the order of the configuration', () => {
    const vs = virtualServer([server(12, { weight: 3 }), server(11)]);
    expect(pooled(vs, initialPool(vs, allUp))).to.equal('12=3 11=1');
  });

  it('passes thresholds, forwarding method and the settings of the service on', () => {
    const vs = virtualServer([server(11, { uthreshold: 9, lthreshold: 4, forwarding: 'dr' })], {
      ...{ scheduler: 'sh', persistenceTimeoutS: 60, onePacket: true, protocol: 'udp' },
    });
    expect(desiredService(vs, initialPool(vs, allUp))).to.deep.equal({
      ...{ address: '192.0.2.1', port: 80, protocol: 'udp', scheduler: 'sh', persistenceTimeoutS: 60, onePacket: true },
      destinations: [{ address: '10.0.0.11', port: 80, weight: 1, forwarding: 'dr', uthreshold: 9, lthreshold: 4 }],
    });
  });

  it('loses a real server with the verdict, and has it back in its place', () => {
    const vs = virtualServer([server(11), server(12), server(13)]);
    expect(after(vs, [[1, false]]).pool).to.equal('11=1 13=1');
    const back = after(vs, [
      [1, false],
      [1, true],
    ]);
    expect(back.pool).to.equal('11=1 12=1 13=1');
    expect(back.changes).to.deep.equal([{ server: { index: 1, alive: false } }, { server: { index: 1, alive: true } }]);
  });

  it('keeps a failed server with weight 0 with inhibit_on_failure', () => {
    const vs = virtualServer([server(11, { inhibitOnFailure: true, weight: 5 }), server(12)]);
    expect(after(vs, [[0, false]]).pool).to.equal('11=0 12=1');
    expect(
      pooled(
        vs,
        initialPool(vs, (index) => index !== 0),
      ),
    ).to.equal('11=0 12=1');
  });

  it('has a server only while none of its checkers has failed', () => {
    const checkers = [tcpCheck({ address: '10.0.0.11', port: 80 }), tcpCheck({ address: '10.0.0.11', port: 443 })];
    const vs = virtualServer([server(11, { checkers }), server(12)]);
    let state = initialPool(vs, allUp);
    const say = (checker: number, up: boolean) => {
      const step = stepPool(state, { server: 0, checker, up }, vs);
      state = step.state;
      return step.change;
    };
    expect(say(0, false)).to.deep.equal({ server: { index: 0, alive: false } });
    expect(say(1, false)).to.deep.equal({});
    expect(say(0, true)).to.deep.equal({});
    expect(pooled(vs, state)).to.equal('12=1');
    expect(say(1, true)).to.deep.equal({ server: { index: 0, alive: true } });
    expect(pooled(vs, state)).to.equal('11=1 12=1');
  });

  it('always has a server without checkers', () => {
    const vs = virtualServer([server(11, { checkers: [] })]);
    expect(
      pooled(
        vs,
        initialPool(vs, () => false),
      ),
    ).to.equal('11=1');
  });

  it('says nothing and keeps its state when a verdict is repeated', () => {
    const vs = virtualServer([server(11)]);
    const state = initialPool(vs, allUp);
    expect(stepPool(state, { server: 0, checker: 0, up: true }, vs)).to.deep.equal({ state, change: {} });
  });

  it('without a sorry server stays as it is when the quorum is lost', () => {
    const vs = virtualServer([server(11), server(12)], { quorum: 2 });
    const { pool, changes } = after(vs, [[0, false]]);
    expect(pool).to.equal('12=1');
    expect(changes).to.deep.equal([{ server: { index: 0, alive: false }, quorum: { up: false, sum: 1 } }]);
  });

  it('with a sorry server has that one alone while the quorum is lost, and the others again when it is gained', () => {
    const vs = virtualServer([server(11), server(12), server(13)], { quorum: 2, sorryServer: sorry({ weight: 7 }) });
    expect(after(vs, [[0, false]]).pool).to.equal('12=1 13=1');
    const lost = after(vs, [
      [0, false],
      [1, false],
    ]);
    expect(lost.pool).to.equal('99=7');
    expect(lost.changes[1]).to.deep.equal({ server: { index: 1, alive: false }, quorum: { up: false, sum: 1 } });
    const gained = after(vs, [
      [0, false],
      [1, false],
      [0, true],
    ]);
    expect(gained.pool).to.equal('11=1 13=1');
    expect(gained.changes[2]).to.deep.equal({ server: { index: 0, alive: true }, quorum: { up: true, sum: 2 } });
  });

  it('keeps the sorry server with weight 0 with sorry_server_inhibit', () => {
    const vs = virtualServer([server(11)], { sorryServer: sorry({ inhibit: true }) });
    expect(after(vs, []).pool).to.equal('11=1 99=0');
    expect(after(vs, [[0, false]]).pool).to.equal('99=1');
  });

  it('keeps inhibited servers beside the sorry server', () => {
    const vs = virtualServer([server(11, { inhibitOnFailure: true }), server(12)], { quorum: 2, sorryServer: sorry() });
    expect(after(vs, [[0, false]]).pool).to.equal('99=1 11=0');
  });

  it('waits for quorum + hysteresis at the start and after a loss, and endures down to quorum - hysteresis', () => {
    const servers = [11, 12, 13, 14, 15].map((n) => server(n));
    const vs = virtualServer(servers, { quorum: 3, hysteresis: 1, sorryServer: sorry() });
    expect(initialPool(vs, (index) => index < 3).quorumUp).to.equal(false);
    expect(initialPool(vs, (index) => index < 4).quorumUp).to.equal(true);
    expect(initialPool(vs, (index) => index < 2, true).quorumUp, 'had it before a reload').to.equal(true);
    const down = [0, 1, 2].map((index) => [index, false] as const);
    expect(after(vs, down).pool).to.equal('14=1 15=1');
    expect(after(vs, [...down, [3, false]]).pool).to.equal('99=1');
    expect(after(vs, [...down, [3, false], [0, true], [1, true]]).pool).to.equal('99=1');
    expect(after(vs, [...down, [3, false], [0, true], [1, true], [2, true]]).pool).to.equal('11=1 12=1 13=1 15=1');
  });

  it('counts a server of weight 0 as alive, but not for the quorum', () => {
    const vs = virtualServer([server(11, { weight: 0 })], { sorryServer: sorry() });
    const state = initialPool(vs, allUp);
    expect(state.quorumUp).to.equal(false);
    expect(countAlive(state)).to.deep.equal({ alive: 1, total: 1 });
    expect(pooled(vs, state)).to.equal('99=1');
  });

  it('names each address and port once, the first of duplicates', () => {
    const vs = virtualServer([server(11, { weight: 4 }), server(11, { weight: 9 }), server(12)]);
    expect(after(vs, []).pool).to.equal('11=4 12=1');
    expect(after(vs, [[0, false]]).pool).to.equal('11=9 12=1');
  });

  it('lets a sorry server be one of the real servers', () => {
    const vs = virtualServer([server(11), server(12)], {
      quorum: 2,
      sorryServer: sorry({ address: ipAddress('10.0.0.12'), weight: 3 }),
    });
    expect(after(vs, []).pool).to.equal('11=1 12=1');
    expect(after(vs, [[0, false]]).pool).to.equal('12=3');
  });

  it('has the same pool whatever the way to it, as long as there is no hysteresis', () => {
    const vs = virtualServer([server(11), server(12, { weight: 2 }), server(13)], { quorum: 2, sorryServer: sorry() });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.boolean()), { maxLength: 30 }), (verdicts) => {
        const last = new Map(verdicts);
        const direct = initialPool(vs, (index) => last.get(index) ?? true);
        const { state } = after(vs, verdicts);
        expect(state).to.deep.equal(direct);
        const destinations = desiredService(vs, state).destinations.map(({ address }) => address);
        expect(new Set(destinations).size).to.equal(destinations.length);
      }),
    );
  });
});
