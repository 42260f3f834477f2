/** The npm library `ipvigil`: health checkers, and IPVS over netlink. Importing it has no effect. */
export * from './address/endpoint.ts';
export * from './address/ip-address.ts';
export * from './errors.ts';
export * from './time/duration.ts';
