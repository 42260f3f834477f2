import { expect } from 'chai';
import { describe, it } from 'mocha';
import { compareEndpoints, formatEndpoint } from '../../lib/address/endpoint.ts';
import { ipAddress } from '../../lib/address/ip-address.ts';

const at = (address: string, port: number) => ({ address: ipAddress(address), port });

describe('an endpoint', () => {
  it('is written with brackets around IPv6 only', () => {
    expect(formatEndpoint(at('10.0.0.1', 80))).to.equal('10.0.0.1:80');
    expect(formatEndpoint(at('2001:db8::1', 0))).to.equal('[2001:db8::1]:0');
  });

  it('is ordered by address, then by port as a number', () => {
    const sorted = [at('10.0.0.1', 80), at('10.0.0.1', 443), at('10.0.0.2', 9), at('::1', 1)];
    expect(sorted.toReversed().sort(compareEndpoints)).to.deep.equal(sorted);
    expect(compareEndpoints(sorted[0]!, at('10.0.0.1', 80))).to.equal(0);
  });
});
