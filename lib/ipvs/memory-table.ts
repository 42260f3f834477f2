/** An IPVS table without a kernel: behind `--dry-run`, and for tests of users of the library. */
import { errnoNumber, IpvigilError } from '../errors.ts';
import { applyCommand, refusalOf, type TableMap, tableMap } from './apply.ts';
import { encodeCommand } from './codec.ts';
import { refusedCommandError } from './command.ts';
import type { IpvsCommand, ServiceStatus } from './service.ts';
import type { CommandOutcome, IpvsTable } from './table.ts';

export interface MemoryTableOptions {
  /** The table to begin with. Default empty. */
  readonly services?: readonly ServiceStatus[];
  /** Told of each command as it is carried out or refused, in order. */
  readonly record?: (outcome: CommandOutcome) => void;
}

/**
 * Keeps the table in memory and refuses what the kernel refuses, with the same errnos and messages. Services are read in
 * the order in which they were added; a kernel has an order of its own.
 */
export class MemoryTable implements IpvsTable {
  readonly #table: TableMap;
  readonly #record: ((outcome: CommandOutcome) => void) | undefined;
  #closed = false;

  constructor(options: MemoryTableOptions = {}) {
    this.#table = tableMap(options.services ?? []);
    this.#record = options.record;
  }

  async read(): Promise<readonly ServiceStatus[]> {
    this.#checkOpen('read the IPVS table');
    return [...this.#table.values()];
  }

  async apply(commands: readonly IpvsCommand[]): Promise<readonly CommandOutcome[]> {
    this.#checkOpen('change the IPVS table');
    return commands.map((command) => {
      const error = this.#carryOut(command);
      const outcome: CommandOutcome = error === undefined ? { command } : { command, error };
      this.#record?.(outcome);
      return outcome;
    });
  }

  close(): void {
    this.#closed = true;
  }

  #carryOut(command: IpvsCommand): IpvigilError | undefined {
    try {
      // What cannot be said to a kernel is refused here with the same words.
      encodeCommand(command);
    } catch (error) {
      if (error instanceof IpvigilError) return error;
      throw error;
    }
    const refusal = refusalOf(this.#table, command);
    if (refusal !== undefined) return refusedCommandError(command, { errno: errnoNumber(refusal) });
    applyCommand(this.#table, command);
    return undefined;
  }

  #checkOpen(operation: string): void {
    if (!this.#closed) return;
    throw new IpvigilError('ERR_NETLINK_CLOSED', { operation, detail: 'the table is closed' });
  }
}
