import { expect } from 'chai';
import { describe, it } from 'mocha';
import { aptComplaint, cacheKey, parseDownloadLine, parseOsRelease, parseSimulatedInstall } from './package-plan.ts';

describe("what apt says to the lab's package cache", () => {
  it('names the release with and without quotes, and falls back where there is no version number', () => {
    expect(parseOsRelease('NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n')).to.deep.equal({
      id: 'debian',
      version: '12',
    });
    expect(parseOsRelease('ID=debian\nVERSION_CODENAME=trixie\n').version).to.equal('trixie');
    expect(parseOsRelease('')).to.deep.equal({ id: 'unknown', version: 'rolling' });
  });

  it('lists new and upgraded packages of a simulated installation by name, and nothing that is configured only', () => {
    const output = [
      'NOTE: This is only a simulation!',
      'Inst libpopt0 (1.19+dfsg-1 Debian:12.15/oldstable [amd64])',
      'Inst curl [7.88.1-10+deb12u14] (7.88.1-10+deb12u15 Debian:12.15/oldstable [amd64]) []',
      'Inst keepalived (1:2.2.7-1+b2 Debian:12.15/oldstable [amd64])',
      'Conf libpopt0 (1.19+dfsg-1 Debian:12.15/oldstable [amd64])',
    ].join('\n');
    expect(parseSimulatedInstall(output)).to.deep.equal([
      { name: 'curl', version: '7.88.1-10+deb12u15' },
      { name: 'keepalived', version: '1:2.2.7-1+b2' },
      { name: 'libpopt0', version: '1.19+dfsg-1' },
    ]);
    expect(parseSimulatedInstall('0 upgraded, 0 newly installed')).to.deep.equal([]);
  });

  it('is quoted by its errors, by its warnings only where there is no error, each once and bounded', () => {
    expect(aptComplaint('W: old key\nE: Unable to locate package x\nE: Unable to locate package y\n')).to.equal(
      'Unable to locate package x; Unable to locate package y',
    );
    expect(aptComplaint('W: Failed to fetch A\nW: Failed to fetch A\n')).to.equal('Failed to fetch A');
    expect(aptComplaint('Reading package lists...\n')).to.equal(undefined);
    expect(aptComplaint(`E: ${'x'.repeat(10_000)}`)).to.have.length(504);
  });

  it('shows a download by name and size', () => {
    expect(
      parseDownloadLine('Get:16 http://archive/debian bookworm/main amd64 user-mode-linux amd64 6.1um4+b13 [41.4 MB]'),
    ).to.deep.equal({ name: 'user-mode-linux', size: '41.4 MB' });
    expect(parseDownloadLine('Fetched 48.3 MB in 0s (210 MB/s)')).to.equal(undefined);
  });

  it('becomes a file name without separators', () => {
    expect(cacheKey({ id: '../etc', version: '12 beta' }, 'amd64', 'abc')).to.equal('..-etc-12-beta-amd64-abc');
  });
});
