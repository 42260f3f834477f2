/** What main and the checkers process say to each other, as JSON over Node's IPC channel. */
import type { DirectorConfig } from '../lib/model/virtual-server.ts';
import type { LogLine } from './log.ts';

export interface CheckersOptions {
  readonly runDirectory: string;
  readonly dryRun: string | undefined;
  readonly logDetail: boolean;
}

export type ToCheckers =
  | { readonly kind: 'start'; readonly config: DirectorConfig; readonly options: CheckersOptions }
  | { readonly kind: 'reload'; readonly config: DirectorConfig }
  | { readonly kind: 'stop'; readonly release: boolean };

export type FromCheckers =
  | { readonly kind: 'log'; readonly line: LogLine }
  /** The table equals the configuration (or says in the log why not), and the checks run. */
  | { readonly kind: 'started'; readonly checks: number }
  | { readonly kind: 'reloaded'; readonly checks: number }
  /** Could not start, or could not take over the new configuration. Nothing was changed. */
  | { readonly kind: 'refused'; readonly message: string; readonly exitCode: number }
  | { readonly kind: 'stopped' };
