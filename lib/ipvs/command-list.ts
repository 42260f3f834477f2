/**
 * Many commands as netlink messages, one behind the other in one buffer. The commands of a large plan come in runs about
 * the destinations of one service and differ in a few numbers only. So most of them are written as a copy of the message
 * before with these numbers put in, which takes a tenth of the steps. That counts most at a start, when this code still
 * runs in V8's interpreter.
 */
import { ipFamily } from '../address/ip-address.ts';
import { IpvigilError } from '../errors.ts';
import { AttributeWriter } from '../netlink/attribute.ts';
import { writeGenericHeader } from '../netlink/generic.ts';
import type { CommandList } from '../netlink/message.ts';
import { IPVS_CMD, IPVS_GENL_VERSION } from './attributes.ts';
import { checkCommand, overwriteDestination, writeCommand } from './codec.ts';
import type { IpvsCommand, ServiceId } from './service.ts';

/** The bytes of a NEW_DEST with its headers are 140; commands on services are shorter. */
const bytesPerCommand = 140;

export interface EncodedCommands extends CommandList {
  /** For each message the index of its command: those that cannot be encoded are left out. */
  readonly places: readonly number[];
  readonly faults: readonly { readonly place: number; readonly error: IpvigilError }[];
}

/** Encodes the commands that fit their fields as messages of this type, the id of the family IPVS. */
export function encodeCommands(type: number, commands: readonly IpvsCommand[]): EncodedCommands {
  const writer = new AttributeWriter(commands.length * bytesPerCommand);
  const ends: number[] = [];
  const places: number[] = [];
  const faults: { place: number; error: IpvigilError }[] = [];
  /** The message that ends where the writer stands. */
  let before: IpvsCommand | undefined;
  let start = 0;
  for (let place = 0; place < commands.length; place++) {
    const command = commands[place]!;
    try {
      checkCommand(command);
    } catch (error) {
      if (!(error instanceof IpvigilError)) throw error;
      faults.push({ place, error });
      continue;
    }
    if (before !== undefined && differInDestination(before, command)) {
      start = writer.repeat(start, writer.length);
      overwriteDestination(writer, command.destination);
    } else {
      start = writer.beginMessage(type);
      writeGenericHeader(writer, IPVS_CMD[command.kind], IPVS_GENL_VERSION);
      writeCommand(writer, command);
      writer.endMessage(start);
    }
    before = command;
    ends.push(writer.length);
    places.push(place);
  }
  return { bytes: writer.finish(), ends, places, faults };
}

/** Whether both set values of destinations of one service, so that their messages have the same layout. */
function differInDestination(
  a: IpvsCommand,
  b: IpvsCommand,
): b is IpvsCommand & { readonly kind: 'NEW_DEST' | 'SET_DEST' } {
  return (
    a.kind === b.kind &&
    (a.kind === 'NEW_DEST' || a.kind === 'SET_DEST') &&
    (b.kind === 'NEW_DEST' || b.kind === 'SET_DEST') &&
    isSameService(a.service, b.service) &&
    ipFamily(a.destination.address) === ipFamily(b.destination.address)
  );
}

function isSameService(a: ServiceId, b: ServiceId): boolean {
  return a === b || (a.address === b.address && a.port === b.port && a.protocol === b.protocol);
}
