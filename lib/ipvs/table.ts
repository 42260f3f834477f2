/**
 * A table that can be read and changed: the kernel's (ipvs/client.ts) or one in memory (ipvs/memory-table.ts, behind
 * `--dry-run`). One contract suite runs against both.
 */
import type { IpvigilError } from '../errors.ts';
import type { IpvsCommand, Service } from './service.ts';

export interface CommandOutcome {
  readonly command: IpvsCommand;
  /** Absent when the kernel accepted the command. ERR_NETLINK_OVERRUN: the answer was lost, read the table again. */
  readonly error?: IpvigilError;
}

export interface IpvsTable {
  /** Every service with its destinations, in the kernel's order. */
  read(): Promise<readonly Service[]>;
  /**
   * Carries out the commands in order, in as few sends as possible, and goes on after a refused one. The outcomes are in
   * the order of the commands, one each. Rejects only when nothing could be sent.
   */
  apply(commands: readonly IpvsCommand[]): Promise<readonly CommandOutcome[]>;
  close(): void;
}
