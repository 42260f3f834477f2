/** Fakes for users' own tests, published as `ipvigil/testing`. */
export { MemoryTable, type MemoryTableOptions } from '../ipvs/memory-table.ts';
export * from './fake-clock.ts';
export * from './fake-kernel.ts';
export * from './scripted-prober.ts';
