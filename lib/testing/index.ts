/** Fakes for users' own tests, published as `ipvigil/testing`. */
export * from './fake-kernel.ts';
