/**
 * IPv4 and IPv6 addresses. An {@link IpAddress} is its canonical text (RFC 5952 for IPv6), so that equal addresses are
 * equal strings: usable as a key, comparable with `===`, and plain JSON.
 */

/** Canonical text of an IPv4 or IPv6 address, made by {@link parseIpAddress} or {@link ipAddressFromBytes}. */
export type IpAddress = string & { readonly __brand: 'IpAddress' };

export type IpFamily = 4 | 6;

/** The address in canonical form; undefined when the text is none. No zone (`%eth0`), no prefix length, no blanks. */
export function parseIpAddress(text: string): IpAddress | undefined {
  const bytes = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  return bytes === undefined ? undefined : ipAddressFromBytes(bytes);
}

/** As {@link parseIpAddress}, for text that is known to be an address; throws a RangeError when it is not. */
export function ipAddress(text: string): IpAddress {
  const address = parseIpAddress(text);
  if (address === undefined) throw new RangeError(`not an IP address: ${JSON.stringify(text)}`);
  return address;
}

export function ipFamily(address: IpAddress): IpFamily {
  return address.includes(':') ? 6 : 4;
}

/** 4 or 16 bytes in network order. */
export function ipBytes(address: IpAddress): Uint8Array {
  const bytes = address.includes(':') ? parseIpv6(address) : parseIpv4(address);
  if (bytes === undefined) throw new RangeError(`not an IP address: ${JSON.stringify(address)}`);
  return bytes;
}

/** Writes the 4 or 16 bytes of {@link ipBytes} into `into`: for encoders of many addresses. */
export function writeIpBytes(address: IpAddress, into: Uint8Array, offset: number): void {
  if (address.includes(':') || !parseIpv4Into(address, into, offset)) into.set(ipBytes(address), offset);
}

/** From 4 or 16 bytes in network order; throws a RangeError on any other length. */
export function ipAddressFromBytes(bytes: Uint8Array): IpAddress {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` as IpAddress;
  if (bytes.length !== 16) throw new RangeError(`an IP address has 4 or 16 bytes, not ${bytes.length}`);
  return formatIpv6(bytes) as IpAddress;
}

/** IPv4 before IPv6, then by value: a total order that does not depend on the text form. */
export function compareIpAddresses(a: IpAddress, b: IpAddress): number {
  if (a === b) return 0;
  const bytesOfA = ipBytes(a);
  const bytesOfB = ipBytes(b);
  if (bytesOfA.length !== bytesOfB.length) return bytesOfA.length - bytesOfB.length;
  for (let i = 0; i < bytesOfA.length; i++) {
    const difference = bytesOfA[i]! - bytesOfB[i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  return parseIpv4Into(text, bytes, 0) ? bytes : undefined;
}

const dot = 0x2e;
const zero = 0x30;
const nine = 0x39;

/** Whether the text is an IPv4 address; its bytes are at `offset` then. Leaves no garbage behind. */
function parseIpv4Into(text: string, into: Uint8Array, offset: number): boolean {
  let at = offset;
  let digits = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === dot) {
      if (digits === 0 || at === offset + 3) return false;
      into[at++] = value;
      digits = 0;
      value = 0;
      continue;
    }
    // No leading zero: inet_pton(3) refuses them, and inet_aton would read them as octal.
    if (code < zero || code > nine || (digits > 0 && value === 0)) return false;
    digits++;
    value = value * 10 + (code - zero);
    if (value > 255) return false;
  }
  into[at] = value;
  return digits > 0 && at === offset + 3;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // `::` stands for at least one group (RFC 5952 section 4.2.2 for output, inet_pton accepts no less on input).
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  groups.forEach((group, i) => {
    bytes[2 * i] = group >> 8;
    bytes[2 * i + 1] = group & 0xff;
  });
  return bytes;
}

/** The 16-bit groups of one side of `::`; only the last group of the whole address may be dotted IPv4. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (mayEndInIpv4 && i === parts.length - 1 && part.includes('.')) {
      const ipv4 = parseIpv4(part);
      if (ipv4 === undefined) return undefined;
      groups.push((ipv4[0]! << 8) | ipv4[1]!, (ipv4[2]! << 8) | ipv4[3]!);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

/** RFC 5952: lower case, the longest run of two or more zero groups (the first of equals) as `::`. */
function formatIpv6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i]! << 8) | bytes[i + 1]!);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join('.')}`; // IPv4-mapped (RFC 5952 section 5)
  }
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > bestLength) {
      bestStart = start;
      bestLength = length;
    }
    start += length;
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestStart < 0) return hex.join(':');
  return `${hex.slice(0, bestStart).join(':')}::${hex.slice(bestStart + bestLength).join(':')}`;
}
