import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { IpvigilError } from '../../lib/errors.ts';
import { openGenericNetlink } from '../../lib/io/netlink-transport.ts';
import { processReactor } from '../../lib/io/reactor.ts';
import { NetlinkConn } from '../../lib/netlink/conn.ts';
import { decodeFamily, encodeGetFamily } from '../../lib/netlink/generic.ts';
import type { NetlinkTransport } from '../../lib/netlink/transport.ts';
import { milliseconds } from '../../lib/time/duration.ts';

describe('the netlink transport on this kernel', () => {
  let transport: NetlinkTransport;
  let conn: NetlinkConn;
  beforeEach(() => {
    transport = openGenericNetlink();
    conn = new NetlinkConn(transport, { clock: processReactor(), timeout: milliseconds(1000) });
  });
  afterEach(() => conn.close());

  const find = (name: string) =>
    conn.request({ ...encodeGetFamily(name), operation: `find ${name}` }, (message) => decodeFamily(message.payload));

  it('finds the controller of generic netlink, without privilege', async () => {
    const [family] = await find('nlctrl');
    expect(family).to.deep.include({ id: 0x10 });
  });

  it('brings back the refusal of a family that does not exist', async () => {
    const fault = await find('ipvigil-none').catch((error: unknown) => error);
    expect(fault).to.be.instanceOf(IpvigilError).with.property('code', 'ERR_NETLINK_REFUSED');
    expect((fault as IpvigilError).errno?.name).to.equal('ENOENT');
  });

  it('answers many questions in flight, each to its own', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => find('nlctrl')));
    expect(answers.every(([family]) => family?.id === 0x10)).to.equal(true);
  });

  it('has a port id of its own for each socket', () => {
    const other = openGenericNetlink();
    expect(transport.portId).to.be.greaterThan(0);
    expect(other.portId).to.not.equal(transport.portId);
    other.close();
  });

  it('can be closed twice, rejects what is pending, and sends nothing afterwards', async () => {
    const pending = find('nlctrl').catch((error: unknown) => error);
    conn.close();
    transport.close();
    expect(await pending)
      .to.be.instanceOf(IpvigilError)
      .with.property('code', 'ERR_NETLINK_CLOSED');
    expect(() => transport.send(new Uint8Array(16)))
      .to.throw(IpvigilError, 'send to netlink socket: it is closed')
      .with.property('code', 'ERR_NETLINK_CLOSED');
  });
});
