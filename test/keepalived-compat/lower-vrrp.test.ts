import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { parseKeepalivedText } from '../../keepalived-compat/index.ts';
import type { VrrpInstance } from '../../lib/model/vrrp-instance.ts';
import { diagnose } from './support.ts';

/** One instance with these lines besides what every instance needs. */
function instance(...lines: string[]): VrrpInstance {
  const text = ['vrrp_instance V {', 'interface eth0', 'virtual_router_id 1', ...lines, '}'].join('\n');
  const { config } = parseKeepalivedText(text);
  expect(config.vrrp?.instances).to.have.length(1);
  return config.vrrp!.instances[0]!;
}

const vip = 'virtual_ipaddress { 10.0.0.1 }';

describe('a vrrp_instance', () => {
  it('is the owner with state MASTER and no priority, and MASTER with priority 255 and no state', () => {
    expect(instance('state MASTER', vip)).to.include({ priority: 255, state: 'master' });
    expect(instance('priority 255', vip)).to.include({ priority: 255, state: 'master' });
    expect(instance(vip)).to.include({ priority: 100, state: 'backup' });
  });

  it('keeps priority 100 where a priority is written that is out of range', () => {
    expect(instance('state MASTER', 'priority 256', vip)).to.include({ priority: 100 });
  });

  it('has the family of its first address, and version 3 for IPv6', () => {
    expect(instance('virtual_ipaddress { 2001:db8::1 }')).to.include({ family: 6, version: 3 });
    expect(instance('native_ipv6', 'virtual_ipaddress { fe80::1 }')).to.include({ family: 6, version: 3 });
  });

  it('moves addresses behind the 255th out of the advert', () => {
    const addresses = Array.from({ length: 257 }, (_, index) => `10.1.${index >> 8}.${index & 255}`);
    const { virtualIpaddress, virtualIpaddressExcluded } = instance(
      'virtual_ipaddress {',
      ...addresses,
      '}',
      'virtual_ipaddress_excluded {',
      '10.2.0.1',
      '}',
    );
    expect(virtualIpaddress).to.have.length(255);
    expect(virtualIpaddressExcluded.map(({ address }) => address)).to.deep.equal([
      '10.1.0.255',
      '10.1.1.0',
      '10.2.0.1',
    ]);
  });

  it('never has an advert interval that its version cannot express', () => {
    const hundredths = fc.integer({ min: 1, max: 25_500 });
    fc.assert(
      fc.property(hundredths, fc.constantFrom(2, 3), (value, version) => {
        const { advertInt } = instance(`version ${version}`, `advert_int ${value / 100}`, vip);
        const [step, longest] = version === 2 ? [1000, 255_000] : [10, 40_950];
        expect(advertInt % step).to.equal(0);
        expect(advertInt).to.be.within(step, longest);
      }),
      { numRuns: 100 },
    );
  });

  it('does not keep virtual servers from being used, whatever is wrong with it', () => {
    const text = 'vrrp_instance V {\n virtual_router_id 0\n nonsense\n}\n';
    expect(diagnose(text).filter((line) => / (error|fatal|security) /.test(line))).to.deep.equal([]);
    expect(diagnose(text)).to.include('2:20 warning out-of-range 0');
    expect(diagnose(text)).to.include('3:2 warning unknown-keyword nonsense');
  });
});

describe('what is read of VRRP', () => {
  it('is plain JSON', () => {
    const { config } = parseKeepalivedText(`vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\n${vip}\n}`);
    expect(JSON.parse(JSON.stringify(config))).to.deep.equal(config);
  });

  it('is absent where a file names nothing of it', () => {
    expect(parseKeepalivedText('global_defs {\nvrrp_version 3\n}').config).to.not.have.property('vrrp');
  });

  it('survives any words in the lines of its blocks', () => {
    const word = fc.constantFrom(
      '10.0.0.1',
      '::1/64',
      'dev',
      'brd',
      'peer',
      'label',
      'weight',
      'reverse',
      '-5',
      '+',
      'x',
    );
    const line = fc.array(word, { minLength: 1, maxLength: 6 });
    const block = fc.constantFrom('virtual_ipaddress', 'track_interface', 'track_script', 'unicast_peer');
    fc.assert(
      fc.property(block, fc.array(line, { maxLength: 4 }), (name, lines) => {
        const inside = lines.map((words) => words.join(' ')).join('\n');
        parseKeepalivedText(`vrrp_instance V {\n${name} {\n${inside}\n}\n}`);
      }),
      { numRuns: 200 },
    );
  });
});
