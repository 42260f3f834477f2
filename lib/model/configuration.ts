/** A whole configuration: what the director carries out, and what is read and checked beside it. */
import type { DirectorConfig } from './virtual-server.ts';
import type { VirtualServerGroup } from './virtual-server-group.ts';
import type { VrrpConfig } from './vrrp-instance.ts';

export interface Configuration extends DirectorConfig {
  /** Absent when the file defines none. Not carried out in this version. */
  readonly virtualServerGroups?: readonly VirtualServerGroup[];
  /** VRRP, what it tracks, and BFD; absent when the file names nothing of them. Not carried out in this version. */
  readonly vrrp?: VrrpConfig;
}
