import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { LeftoversResult } from '../lab/scenarios/leftovers.ts';
import type { PoolsResult } from '../lab/scenarios/pools.ts';
import type { RefusalsResult } from '../lab/scenarios/refusals.ts';
import type { ReloadResult } from '../lab/scenarios/reload.ts';
import { useLab } from './shared-lab.ts';

const vs80 = '172.16.10.81:80/tcp';

describe('the daemon on a kernel with IPVS', function () {
  this.timeout(90_000);
  const lab = useLab();

  it('serves by weight, maps ports, and puts the sorry server in for a lost quorum', async () => {
    const { result } = await lab().run<PoolsResult>('pools');
    expect(result.weighted).to.deep.equal({ rs1: 10, rs2: 20 });
    expect(result.mapped).to.deep.equal({ rs1: 5, rs2: 5 });
    expect(result.withQuorum).to.deep.equal({ rs1: 5, rs2: 5 });
    expect(result.withoutQuorum).to.deep.equal({ sorry: 10 });
    expect(result.withQuorumAgain).to.deep.equal({ rs1: 5, rs2: 5 });
    // What takes over enters before what it replaces leaves: in the commands, and in every look at the table.
    const commands = result.log.map((line) => /IPVS: (.*) in /.exec(line)?.[1] ?? '');
    expect(commands.join('\n')).to.include(
      'NEW_DEST TCP 172.16.10.81:82 192.168.10.72:8080 1, ' +
        'DEL_DEST TCP 172.16.10.81:82 192.168.10.71:80 0, DEL_DEST TCP 172.16.10.81:82 192.168.10.72:80 0',
    );
    const pool = new Set(['192.168.10.71:80', '192.168.10.72:80']);
    for (const at of new Set(result.changes.map((change) => change.at))) {
      const changes = result.changes.filter((change) => change.at === at);
      if (changes.some(({ kind }) => kind === 'service-removed')) break;
      for (const change of changes) {
        if (change.kind === 'destination-added') pool.add(change.destination);
        if (change.kind === 'destination-removed') pool.delete(change.destination);
      }
      expect(pool.size, JSON.stringify(result.changes)).to.be.greaterThan(0);
    }
    const quorum = result.log.filter((line) => line.includes('quorum') && line.includes('172.16.10.81:82/tcp has'));
    expect(quorum[0]).to.match(
      /has LOST its quorum: weights of alive real servers sum to 1, quorum 2; sorry server 192\.168\.10\.72:8080 takes over/,
    );
    expect(quorum[1]).to.match(/has gained its quorum/);
  });

  it('sends exactly one command for one changed weight, none for an unchanged or a broken file', async () => {
    const { result } = await lab().run<ReloadResult>('reload');
    expect(result.oneWeight).to.deep.equal({ SET_DEST: 1 });
    expect(result.tableAfterWeight).to.include('-a -t 172.16.10.81:80 -r 192.168.10.71:80 -m -w 3');
    expect(result.nothing).to.deep.equal({});
    expect(result.refused).to.deep.equal({});
    expect(result.refusedLine).to.match(/reload refused, the old configuration stays/);
    expect(result.log.join('\n')).to.match(/keepalived\.conf:2:3: error\[unknown-keyword\].*dealy_loop/);
    expect(result.tableAfterRefusal).to.equal(result.tableAfterWeight);
  });

  it('leaves an empty table after SIGTERM', async () => {
    const { result } = await lab().run<ReloadResult>('reload');
    expect(result.tableAfterStop.trim()).to.equal('');
    expect(result.exitCode).to.equal(0);
  });

  it('puts right after kill -9 what changed meanwhile, and never touches what was right', async () => {
    const { result } = await lab().run<LeftoversResult>('leftovers');
    expect(result.tableWhileDead).to.include('-r 192.168.10.71:80 -m -w 5').and.include('-r 192.168.10.99:80');
    const lines = result.tableAfterRestart.trim().split('\n').sort();
    expect(lines).to.deep.equal(
      [
        '-A -t 172.16.10.81:80 -s rr',
        '-a -t 172.16.10.81:80 -r 192.168.10.71:80 -m -w 1',
        '-a -t 172.16.10.81:80 -r 192.168.10.71:8080 -m -w 1',
        '-A -t 172.16.10.81:81 -s rr',
        '-a -t 172.16.10.81:81 -r 192.168.10.71:8080 -m -w 1',
        // Somebody else's.
        '-A -t 172.16.10.81:99 -s lc',
        '-a -t 172.16.10.81:99 -r 192.168.10.71:99 -m -w 1',
      ].sort(),
    );
    const changes = result.changesAfterRestart.map(({ at: _, after: __, ...change }) => JSON.stringify(change)).sort();
    expect(changes).to.deep.equal(
      [
        { kind: 'weight-changed', service: vs80, destination: '192.168.10.71:80', from: 5, weight: 1 },
        { kind: 'destination-removed', service: vs80, destination: '192.168.10.72:80', weight: 1 },
        { kind: 'destination-removed', service: vs80, destination: '192.168.10.99:80', weight: 1 },
        // The service that left the configuration, with what it had.
        { kind: 'destination-removed', service: '172.16.10.81:82/tcp', destination: '192.168.10.71:80', weight: 1 },
        { kind: 'service-removed', service: '172.16.10.81:82/tcp' },
      ]
        .map((change) => JSON.stringify(change))
        .sort(),
    );
    expect(result.changesAfterSecondRestart).to.deep.equal([]);
    expect(result.tableAfterStop.trim().split('\n')).to.deep.equal([
      '-A -t 172.16.10.81:99 -s lc',
      '-a -t 172.16.10.81:99 -r 192.168.10.71:99 -m -w 1',
    ]);
  });

  it('says in one line what it may not do and what the kernel refuses, with the place in the file', async () => {
    const { result } = await lab().run<RefusalsResult>('refusals');
    const { unprivileged, unreadable, refusedCommand, second } = result;
    expect(unprivileged.code).to.equal(4);
    expect(unprivileged.log.join('\n')).to.match(/EPERM .*CAP_NET_ADMIN/);
    expect(unprivileged.table.trim()).to.equal('');
    expect(unreadable.code).to.equal(6);
    expect(unreadable.log.join('\n')).to.match(
      /fatal\[file-unreadable\].*keepalived\.conf.*EACCES \(permission denied\)/,
    );
    const refusals = refusedCommand.log.filter((line) => line.includes('224.0.0.5'));
    expect(refusals).to.have.length(1);
    expect(refusals[0]).to.match(
      /keepalived\.conf:\d+:\d+: add real server 224\.0\.0\.5:80 to virtual server 172\.16\.10\.81:80\/tcp: EINVAL/,
    );
    expect(refusedCommand.table).to.include('-r 192.168.10.71:80').and.include('-r 192.168.10.72:80');
    expect(second.code).to.equal(1);
    expect(second.log.join('\n')).to.match(/already running as process \d+/);
  });
});
