import { expect } from 'chai';
import { describe, it } from 'mocha';
import {
  drNetwork,
  fabricLines,
  hostLines,
  lansOf,
  type NetworkPlan,
  natNetwork,
  portName,
  tunNetwork,
} from './network-plan.ts';

describe('a network plan', () => {
  it('becomes a bridge for each LAN, a name space for each host, and a cable for each interface', () => {
    const plan: NetworkPlan = {
      hosts: {
        a: { interfaces: { eth0: { lan: 'one', addresses: ['10.0.0.1/24'], mac: '02:00:00:00:00:01' } } },
        b: { interfaces: { eth0: { lan: 'one', addresses: [] }, eth1: { lan: 'two', addresses: [] } } },
      },
    };
    expect(lansOf(plan)).to.deep.equal(['one', 'two']);
    expect(fabricLines(plan)).to.deep.equal([
      'link add br-one type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
      'link set br-one up',
      'link add br-two type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
      'link set br-two up',
      'netns add a',
      'link add port0 type veth peer name eth0 address 02:00:00:00:00:01 netns a',
      'link set port0 master br-one up',
      'netns add b',
      'link add port1 type veth peer name eth0 netns b',
      'link set port1 master br-one up',
      'link add port2 type veth peer name eth1 netns b',
      'link set port2 master br-two up',
    ]);
    expect(portName(plan, 'b', 'eth1')).to.equal('port2');
    expect(() => portName(plan, 'b', 'eth2')).to.throw(RangeError, 'host b has no interface eth2');
  });

  it('sets addresses before interfaces come up, routes last, and IPv6 addresses without duplicate detection', () => {
    expect(
      hostLines({
        interfaces: { eth0: { lan: 'one', addresses: ['10.0.0.1/24', '2001:db8::1/64'] } },
        devices: { vip0: { link: 'type ipip local 10.0.0.1', addresses: ['10.0.0.9/32'] } },
        loopback: ['10.9.9.9/32'],
        routes: ['default via 10.0.0.254'],
      }),
    ).to.deep.equal([
      'link set lo up',
      'address add 10.9.9.9/32 dev lo',
      'address add 10.0.0.1/24 dev eth0',
      'address add 2001:db8::1/64 dev eth0 nodad',
      'link set eth0 up',
      'link add vip0 type ipip local 10.0.0.1',
      'address add 10.0.0.9/32 dev vip0',
      'link set vip0 up',
      'route add default via 10.0.0.254',
    ]);
  });

  it('with a LAN whose bridge could not have that name is refused', () => {
    const plan: NetworkPlan = { hosts: { a: { interfaces: { eth0: { lan: 'much-too-long-name', addresses: [] } } } } };
    expect(() => fabricLines(plan)).to.throw(RangeError, 'cannot be the name of a network device');
  });

  it('of each forwarding method has a client, a director, two real servers and the virtual address', () => {
    for (const plan of [natNetwork, drNetwork, tunNetwork] as NetworkPlan[]) {
      expect(plan.hosts).to.include.keys('client', 'director', 'rs1', 'rs2');
      expect(hostLines(plan.hosts.director!).join('\n')).to.match(/address add 172\.16\.10\.81\/(24|32) dev eth0/);
    }
  });
});
