/** What VRRP watches besides its own adverts: the things, and the lines that say how much each one counts. */
import type { Duration } from '../time/duration.ts';
import type { SourcePlace } from './virtual-server.ts';

/** A command line as written, and who runs it. Absent users are found at run time (script_user, keepalived_script). */
export interface ScriptCommand {
  readonly command: string;
  readonly user?: string;
  readonly group?: string;
}

/** One line of track_interface, track_script, track_file, track_process or track_bfd. */
export interface TrackedObject {
  readonly name: string;
  /** -254..254; 0: its failure is the instance's fault. For a file: the factor of its value. */
  readonly weight: number;
  /** The sign of the weight is swapped. */
  readonly reverse: boolean;
  readonly source?: SourcePlace;
}

/** Everything that one instance or sync group tracks, each kind in the order of the file. */
export interface Tracking {
  readonly interfaces: readonly TrackedObject[];
  readonly scripts: readonly TrackedObject[];
  readonly files: readonly TrackedObject[];
  readonly processes: readonly TrackedObject[];
  readonly bfdInstances: readonly TrackedObject[];
}

/** vrrp_script: a command that succeeds while all is well. */
export interface VrrpScript extends ScriptCommand {
  readonly name: string;
  readonly interval: Duration;
  /** The longest run; a longer one is ended and counts as failed. */
  readonly timeout: Duration;
  /** -253..253. */
  readonly weight: number;
  readonly reverse: boolean;
  /** Successes, failures in a row that change its state; at least 1. */
  readonly rise: number;
  readonly fall: number;
  /** Failed until it has succeeded. */
  readonly initFail: boolean;
  readonly source?: SourcePlace;
}

/** track_file: a file that holds a number. */
export interface TrackFile {
  readonly name: string;
  readonly file: string;
  /** -254..254; 0: any number but 0 is a fault. */
  readonly weight: number;
  readonly reverse: boolean;
  /** Written to the file at start. */
  readonly initFile?: { readonly value: number; readonly overwrite: boolean };
  readonly source?: SourcePlace;
}

/** vrrp_track_process: a process that must run, in a number between two bounds. */
export interface TrackProcess {
  readonly name: string;
  readonly process: string;
  readonly parameters: readonly string[];
  /** How the parameters are compared; absent: they are not. */
  readonly paramMatch?: 'exact' | 'initial' | 'partial';
  /** -254..254. */
  readonly weight: number;
  readonly reverse: boolean;
  /** At least 1. */
  readonly quorum: number;
  /** Absent: no upper bound. */
  readonly quorumMax?: number;
  /** From the end of a process to the change of state. */
  readonly terminateDelay: Duration;
  /** From the start of a process to the change of state. */
  readonly forkDelay: Duration;
  /** Compare the whole command line rather than the short name. */
  readonly fullCommand: boolean;
  readonly source?: SourcePlace;
}
