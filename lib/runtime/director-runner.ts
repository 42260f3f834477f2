/**
 * Keeps the kernel's IPVS table equal to what the configuration and the checkers ask for. Holds the state, carries the
 * decisions of director/ and ipvs/plan.ts out through interfaces, and opens nothing itself.
 *
 *   verdicts ──> pools ──> dirty services ──> plan against the mirror ──> one batch of commands ──> mirror
 *                                                      ^                          │ answer lost or refused
 *                                                      └──── read the table ──────┘
 *
 * The mirror is the table as the kernel last told or acknowledged it; every plan starts from it, so that a transition
 * costs exactly its own commands. While a batch is under way further verdicts only mark their service dirty.
 *
 * Ours are the services of the configuration and those that the record of an earlier run names; of others nothing is
 * ever changed. The record is written before the first command for a service is sent.
 */
import { formatEndpoint } from '../address/endpoint.ts';
import { aliveWeight, countAlive, desiredService, initialPool, type PoolState, stepPool } from '../director/pool.ts';
import { IpvigilError } from '../errors.ts';
import type { CheckResult, CheckVerdict, VerdictCause } from '../health/check-state.ts';
import type { Prober } from '../health/probe.ts';
import { applyCommand, type TableMap, tableMap } from '../ipvs/apply.ts';
import { planService, planTable } from '../ipvs/plan.ts';
import { type IpvsCommand, serviceKey } from '../ipvs/service.ts';
import type { CommandOutcome, IpvsTable } from '../ipvs/table.ts';
import type { CheckerConfig } from '../model/checker.ts';
import type { DirectorConfig, RealServer, SourcePlace, VirtualServer } from '../model/virtual-server.ts';
import type { Alarm, AlarmClock } from '../time/clock.ts';
import { type CheckKey, CheckRunner, checkKey } from './check-runner.ts';

/** Which services are ours, kept where it outlives the process (the daemon's run directory). */
export interface OwnershipRecord {
  /** Keys of services (see serviceKey) that an earlier run owned; empty when there is no record. */
  load(): ReadonlySet<string>;
  /** Replaces the record. Throws when it cannot be written: then no command may be sent. */
  save(keys: ReadonlySet<string>): void;
}

export type DirectorEvent =
  | {
      readonly kind: 'server-verdict';
      readonly alive: boolean;
      readonly virtualServer: VirtualServer;
      readonly realServer: RealServer;
      readonly checker: CheckerConfig;
      readonly cause: VerdictCause;
      /** Alive real servers of the virtual server after this, of how many. */
      readonly aliveServers: number;
      readonly servers: number;
    }
  | {
      readonly kind: 'quorum';
      readonly up: boolean;
      readonly virtualServer: VirtualServer;
      readonly sum: number;
    }
  /** Detail: one checker's own verdict, also when it changes nothing for the server. */
  | {
      readonly kind: 'check-verdict';
      readonly checker: CheckerConfig;
      readonly to: CheckVerdict;
      readonly first: boolean;
      readonly cause: VerdictCause;
    }
  /** This machine could not ask; the verdict stays what it was. Reported once until a check works again. */
  | { readonly kind: 'check-postponed'; readonly checker: CheckerConfig; readonly reason: string }
  | {
      readonly kind: 'command-refused';
      readonly error: IpvigilError;
      /** Further commands of the batch that failed because of this one. */
      readonly followers: number;
      readonly source: SourcePlace | undefined;
    }
  | { readonly kind: 'table-changed'; readonly commands: readonly IpvsCommand[]; readonly elapsedMs: number }
  | { readonly kind: 'table-unreadable'; readonly error: IpvigilError };

export interface DirectorParts {
  readonly table: IpvsTable;
  readonly record: OwnershipRecord;
  readonly clock: AlarmClock;
  readonly prober: Prober;
  readonly random: () => number;
  readonly emit: (event: DirectorEvent) => void;
}

/** A refused command is tried again after this; doubled each time, up to the maximum. */
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 30_000;

interface Pool {
  readonly virtualServer: VirtualServer;
  state: PoolState;
}

interface Subscriber {
  readonly pool: Pool;
  readonly server: number;
  readonly checker: number;
}

export class DirectorRunner {
  readonly #parts: DirectorParts;
  readonly #checks: CheckRunner;
  #pools = new Map<string, Pool>();
  #subscribers = new Map<CheckKey, Subscriber[]>();
  #owned: ReadonlySet<string> = new Set();
  #mirror: TableMap = new Map();
  readonly #dirty = new Set<string>();
  /** The mirror cannot be trusted: an answer was lost, or a command was refused that should not have been. */
  #mirrorStale = false;
  #converging: Promise<void> | undefined;
  #retry: Alarm | undefined;
  #retryMs = RETRY_MIN_MS;
  readonly #reported = new Map<string, string>();
  readonly #postponed = new Set<CheckKey>();
  #stopped = false;

  constructor(parts: DirectorParts) {
    this.#parts = parts;
    this.#checks = new CheckRunner({
      clock: parts.clock,
      prober: parts.prober,
      random: parts.random,
      listener: {
        verdict: (key, verdict) => this.#onVerdict(key, verdict),
        result: (key, result) => this.#onResult(key, result),
      },
    });
  }

  /**
   * Reads the table, takes over what is right in it, makes it equal to the configuration and starts the checks. Real
   * servers count as alive until their first check; with alpha only when the table of an earlier run of ours has them.
   * Rejects with an IpvigilError when the table cannot be read, the record not be written, or a virtual server is named
   * twice; then nothing was changed. After a stop it does nothing.
   */
  async start(config: DirectorConfig): Promise<void> {
    const services = await this.#parts.table.read();
    if (this.#stopped) return;
    this.#mirror = tableMap(services);
    const earlier = this.#parts.record.load();
    this.#owned = earlier;
    const inTable = (virtualServer: VirtualServer, realServer: RealServer): boolean => {
      const key = serviceKey(virtualServer);
      const target = formatEndpoint(realServer);
      const weighted = this.#mirror
        .get(key)
        ?.destinations.find((destination) => formatEndpoint(destination) === target);
      return earlier.has(key) && weighted !== undefined && weighted.weight > 0;
    };
    await this.#become(config, inTable);
  }

  /**
   * Takes over a new configuration: what did not change goes on untouched, and the commands are exactly the difference.
   * The table is not read again. Rejects when the record cannot be written or a virtual server is named twice; then the
   * old configuration stays.
   */
  async reload(config: DirectorConfig): Promise<void> {
    await this.#converging;
    await this.#become(config, () => false);
  }

  /** Ends the checks; with `release` deletes all our services as well, in one batch. */
  async stop({ release }: { readonly release: boolean }): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    this.#checks.stop();
    await this.#converging;
    if (!release) return;
    if (this.#mirrorStale) this.#mirror = tableMap(await this.#parts.table.read());
    const outcomes = await this.#parts.table.apply(planTable([], [...this.#mirror.values()], this.#owned));
    this.#settle(outcomes);
    // What was refused may be gone all the same, removed by somebody else: only the kernel can tell.
    if (outcomes.some(({ error }) => error !== undefined)) this.#mirror = tableMap(await this.#parts.table.read());
    this.#parts.record.save(new Set([...this.#owned].filter((key) => this.#mirror.has(key))));
  }

  /** Running checks (equal ones count once), and probes started so far. */
  get checks(): { readonly running: number; readonly probesStarted: number } {
    return { running: this.#checks.size, probesStarted: this.#checks.probesStarted };
  }

  async #become(
    config: DirectorConfig,
    inTable: (virtualServer: VirtualServer, realServer: RealServer) => boolean,
  ): Promise<void> {
    const keys = new Set<string>();
    for (const virtualServer of config.virtualServers) {
      const key = serviceKey(virtualServer);
      if (keys.has(key)) throw namedTwice(key);
      keys.add(key);
    }
    const owned = new Set([...this.#owned, ...keys]);
    this.#parts.record.save(owned);
    this.#owned = owned;

    const adopted = new Set<CheckKey>();
    for (const virtualServer of config.virtualServers) {
      for (const realServer of virtualServer.realServers) {
        if (!inTable(virtualServer, realServer)) continue;
        for (const checker of realServer.checkers) adopted.add(checkKey(checker));
      }
    }
    this.#checks.configure(
      config.virtualServers.flatMap(({ realServers }) => realServers.flatMap(({ checkers }) => checkers)),
      (key) => (adopted.has(key) ? true : undefined),
    );
    this.#buildPools(config);
    await this.#converge('all');
  }

  #buildPools(config: DirectorConfig): void {
    const before = this.#pools;
    this.#pools = new Map();
    this.#subscribers = new Map();
    for (const virtualServer of config.virtualServers) {
      const key = serviceKey(virtualServer);
      const keys = virtualServer.realServers.map(({ checkers }) => checkers.map(checkKey));
      const state = initialPool(
        virtualServer,
        (server, checker) => this.#checks.isUp(keys[server]![checker]!) ?? true,
        before.get(key)?.state.quorumUp,
      );
      const pool = { virtualServer, state };
      this.#pools.set(key, pool);
      const hadQuorum = before.get(key)?.state.quorumUp;
      if (hadQuorum !== undefined && hadQuorum !== state.quorumUp) {
        const sum = aliveWeight(virtualServer, state.failed);
        this.#parts.emit({ kind: 'quorum', up: state.quorumUp, virtualServer, sum });
      }
      for (const [server, checkKeys] of keys.entries()) {
        for (const [checker, check] of checkKeys.entries()) {
          const subscribers = this.#subscribers.get(check);
          if (subscribers === undefined) this.#subscribers.set(check, [{ pool, server, checker }]);
          else subscribers.push({ pool, server, checker });
        }
      }
    }
  }

  /** Services that left the configuration and are gone from the kernel are no longer ours. */
  #forgetReleased(): void {
    if (this.#owned.size === this.#pools.size) return;
    const kept = new Set([...this.#owned].filter((key) => this.#pools.has(key) || this.#mirror.has(key)));
    if (kept.size === this.#owned.size) return;
    this.#parts.record.save(kept);
    this.#owned = kept;
  }

  #onVerdict(key: CheckKey, verdict: { to: CheckVerdict; first: boolean; cause: VerdictCause }): void {
    const subscribers = this.#subscribers.get(key) ?? [];
    const { emit } = this.#parts;
    const first = subscribers[0];
    if (first !== undefined) {
      const checker = first.pool.virtualServer.realServers[first.server]!.checkers[first.checker]!;
      emit({ kind: 'check-verdict', checker, to: verdict.to, first: verdict.first, cause: verdict.cause });
    }
    for (const { pool, server, checker } of subscribers) {
      const { virtualServer } = pool;
      const { state, change } = stepPool(pool.state, { server, checker, up: verdict.to === 'up' }, virtualServer);
      pool.state = state;
      if (change.server !== undefined) {
        const realServer = virtualServer.realServers[server]!;
        const { alive: aliveServers, total: servers } = countAlive(state);
        emit({
          kind: 'server-verdict',
          alive: change.server.alive,
          virtualServer,
          realServer,
          checker: realServer.checkers[checker]!,
          cause: verdict.cause,
          aliveServers,
          servers,
        });
        this.#dirty.add(serviceKey(virtualServer));
      }
      if (change.quorum !== undefined) emit({ kind: 'quorum', virtualServer, ...change.quorum });
    }
    if (this.#dirty.size > 0) void this.#converge();
  }

  #onResult(key: CheckKey, result: CheckResult): void {
    if (result.outcome !== 'postponed') {
      if (this.#postponed.size > 0) this.#postponed.delete(key);
      return;
    }
    if (this.#postponed.has(key)) return;
    this.#postponed.add(key);
    const subscriber = this.#subscribers.get(key)?.[0];
    if (subscriber === undefined) return;
    const checker = subscriber.pool.virtualServer.realServers[subscriber.server]!.checkers[subscriber.checker]!;
    this.#parts.emit({ kind: 'check-postponed', checker, reason: result.reason });
  }

  /** Brings the kernel to what is wanted; resolves when nothing is left to do or a retry is armed. Never rejects. */
  #converge(what?: 'all'): Promise<void> {
    if (what === 'all') for (const key of [...this.#pools.keys(), ...this.#owned]) this.#dirty.add(key);
    this.#converging ??= this.#work();
    return this.#converging;
  }

  async #work(): Promise<void> {
    // Verdicts of one turn of the event loop (a switch died: all its servers at once) go out in one batch.
    await undefined;
    try {
      while (this.#dirty.size > 0 && !this.#stopped) await this.#round();
    } finally {
      // Nothing is awaited between the last look at #dirty and this, so that no mark is overlooked.
      this.#converging = undefined;
    }
  }

  async #round(): Promise<void> {
    const { clock, emit, table } = this.#parts;
    try {
      if (this.#mirrorStale) this.#mirror = tableMap(await table.read());
      this.#mirrorStale = false;
      const commands = this.#planDirty();
      this.#dirty.clear();
      if (commands.length > 0) {
        const startedAt = clock.now();
        const accepted = this.#settle(await table.apply(commands));
        if (accepted.length > 0) {
          emit({ kind: 'table-changed', commands: accepted, elapsedMs: clock.now() - startedAt });
        }
      }
      if (!this.#mirrorStale) this.#forgetReleased();
    } catch (error) {
      if (!(error instanceof IpvigilError)) throw error;
      this.#mirrorStale = true;
      this.#dirty.clear();
      emit({ kind: 'table-unreadable', error });
    }
    if (this.#mirrorStale) this.#retryLater();
    else this.#retryMs = RETRY_MIN_MS;
  }

  #planDirty(): IpvsCommand[] {
    const desired = [...this.#pools.values()].filter(({ virtualServer }) => this.#dirty.has(serviceKey(virtualServer)));
    const services = desired.map(({ virtualServer, state }) => desiredService(virtualServer, state));
    if (services.length === 1 && this.#dirty.size === 1) {
      return planService(services[0]!, this.#mirror.get(serviceKey(services[0]!)));
    }
    const kernel = [...this.#dirty].map((key) => this.#mirror.get(key)).filter((service) => service !== undefined);
    return planTable(services, kernel, this.#owned);
  }

  /** Takes the answers into the mirror, reports what was refused, and gives the accepted commands. */
  #settle(outcomes: readonly CommandOutcome[]): IpvsCommand[] {
    const accepted: IpvsCommand[] = [];
    const refusedServices = new Map<string, { error: IpvigilError; followers: number; source?: SourcePlace }>();
    const refused: { error: IpvigilError; followers: number; source?: SourcePlace | undefined }[] = [];
    for (const { command, error } of outcomes) {
      const key = serviceKey(command.service);
      if (error === undefined) {
        applyCommand(this.#mirror, command);
        accepted.push(command);
        this.#reported.delete(commandSubject(command));
        continue;
      }
      this.#mirrorStale = true;
      const leader = refusedServices.get(key);
      if (leader !== undefined && command.kind !== 'NEW_SERVICE') {
        leader.followers++;
        continue;
      }
      const subject = commandSubject(command);
      const refusal = { error, followers: 0, source: this.#sourceOf(command) };
      if (command.kind === 'NEW_SERVICE') refusedServices.set(key, refusal as typeof leader & object);
      if (this.#reported.get(subject) === error.message) continue;
      this.#reported.set(subject, error.message);
      refused.push(refusal);
    }
    for (const { error, followers, source } of refused) {
      this.#parts.emit({ kind: 'command-refused', error, followers, source });
    }
    return accepted;
  }

  #sourceOf(command: IpvsCommand): SourcePlace | undefined {
    const virtualServer = this.#pools.get(serviceKey(command.service))?.virtualServer;
    if (virtualServer === undefined || !('destination' in command)) return virtualServer?.source;
    const target = formatEndpoint(command.destination);
    const server = virtualServer.realServers.find((realServer) => formatEndpoint(realServer) === target);
    if (server !== undefined) return server.source;
    const { sorryServer } = virtualServer;
    return sorryServer !== undefined && formatEndpoint(sorryServer) === target
      ? sorryServer.source
      : virtualServer.source;
  }

  #retryLater(): void {
    if (this.#stopped) return;
    this.#retry?.cancel();
    this.#retry = this.#parts.clock.alarmAt(this.#parts.clock.now() + this.#retryMs, () => {
      void this.#converge('all');
    });
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }
}

function namedTwice(key: string): IpvigilError {
  const detail = 'the configuration names it twice';
  return new IpvigilError('ERR_INVALID_ARGUMENT', { operation: 'take over', subject: `virtual server ${key}`, detail });
}

/** What a command is about, whatever it does: a later success for the same subject ends its report. */
function commandSubject(command: IpvsCommand): string {
  const key = serviceKey(command.service);
  return 'destination' in command ? `${key} ${formatEndpoint(command.destination)}` : key;
}
