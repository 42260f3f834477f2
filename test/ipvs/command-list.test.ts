import { expect } from 'chai';
import * as fc from 'fast-check';
import { describe, it } from 'mocha';
import { ipAddress } from '../../lib/address/ip-address.ts';
import { IPVS_GENL_VERSION } from '../../lib/ipvs/attributes.ts';
import { encodeCommand } from '../../lib/ipvs/codec.ts';
import { encodeCommands } from '../../lib/ipvs/command-list.ts';
import type { Destination, IpvsCommand, ServiceSettings } from '../../lib/ipvs/service.ts';
import { encodeGeneric } from '../../lib/netlink/generic.ts';
import { NLM_F_REQUEST } from '../../lib/netlink/linux-netlink.ts';
import { decodeMessages, encodeMessages } from '../../lib/netlink/message.ts';

const familyId = 0x1c;

// Few services and addresses of both families, so that runs are long and break off in every way.
const service: fc.Arbitrary<ServiceSettings> = fc.record({
  address: fc.constantFrom('10.0.0.1', '2001:db8::1').map(ipAddress),
  port: fc.constantFrom(80, 443),
  protocol: fc.constantFrom('tcp', 'tcp', 'tcp', 'udp'),
  scheduler: fc.constantFrom('rr', 'wlc'),
  persistenceTimeoutS: fc.constantFrom(0, 360),
  onePacket: fc.boolean(),
});
const destination: fc.Arbitrary<Destination> = fc.record({
  address: fc.constantFrom('10.0.0.11', '10.0.0.12', '0.0.0.0', '2001:db8::11', 'ffff::', '::').map(ipAddress),
  // 65536 and -1 do not fit.
  port: fc.oneof({ arbitrary: fc.nat({ max: 65535 }), weight: 9 }, fc.constant(65536)),
  weight: fc.oneof({ arbitrary: fc.nat({ max: 0x7fffffff }), weight: 9 }, fc.constant(-1)),
  forwarding: fc.constantFrom('nat', 'dr', 'tun'),
  uthreshold: fc.nat({ max: 0xffffffff }),
  lthreshold: fc.nat({ max: 0xffffffff }),
});
const commands: fc.Arbitrary<readonly IpvsCommand[]> = fc
  .array(
    service.chain((one) =>
      fc.array(
        fc.oneof(
          {
            arbitrary: fc.record({ kind: fc.constant('NEW_DEST' as const), service: fc.constant(one), destination }),
            weight: 6,
          },
          fc.record({ kind: fc.constantFrom('SET_DEST', 'DEL_DEST'), service: fc.constant(one), destination }),
          fc.record({
            kind: fc.constantFrom('NEW_SERVICE', 'SET_SERVICE', 'DEL_SERVICE'),
            service: fc.constant(one),
          }),
        ),
        { maxLength: 12 },
      ),
    ),
    { maxLength: 4 },
  )
  .map((runs) => runs.flat());

describe('encodeCommands', () => {
  it('gives the bytes of each command as it is encoded alone, and leaves out what does not fit', () => {
    fc.assert(
      fc.property(commands, (list) => {
        const encoded = encodeCommands(familyId, list);
        const alone: Uint8Array[] = [];
        const faults: { place: number; message: string }[] = [];
        for (const [place, one] of list.entries()) {
          try {
            const { command, attributes } = encodeCommand(one);
            const payload = encodeGeneric({ command, version: IPVS_GENL_VERSION, attributes });
            alone.push(encodeMessages([{ type: familyId, flags: NLM_F_REQUEST, sequence: 0, portId: 0, payload }]));
          } catch (error) {
            faults.push({ place, message: (error as Error).message });
          }
        }
        const starts = [0, ...encoded.ends];
        expect(encoded.ends.map((end, i) => encoded.bytes.slice(starts[i], end))).to.deep.equal(alone);
        expect(encoded.bytes).to.have.length(encoded.ends.at(-1) ?? 0);
        expect(encoded.faults.map(({ place, error }) => ({ place, message: error.message }))).to.deep.equal(faults);
        const left = [...list.keys()].filter((place) => faults.every((fault) => fault.place !== place));
        expect(encoded.places).to.deep.equal(left);
        expect([...decodeMessages(encoded.bytes)]).to.have.length(alone.length);
      }),
      { numRuns: 500 },
    );
  });
});
