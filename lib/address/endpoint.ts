import { compareIpAddresses, type IpAddress } from './ip-address.ts';

/** An address and a port, 0..65535 (host order). */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

/** `10.0.0.1:80`, `[2001:db8::1]:80`. Equal endpoints give equal text, so it serves as a key. */
export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** By address, then by port. */
export function compareEndpoints(a: Endpoint, b: Endpoint): number {
  return compareIpAddresses(a.address, b.address) || a.port - b.port;
}
