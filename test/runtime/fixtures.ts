/** Configurations and clocks for the tests of the runners. */
import { ipAddress } from '../../lib/address/ip-address.ts';
import type { CheckerConfig } from '../../lib/model/checker.ts';
import { type RealServer, type VirtualServer, virtualServerDefaults } from '../../lib/model/virtual-server.ts';
import { type TcpCheckerOptions, tcpCheck } from '../../lib/runtime/checker.ts';
import type { FakeClock } from '../../lib/testing/fake-clock.ts';

/** A TCP_CHECK of 10.0.0.N:80: each second, first at once, one retry after 100 ms, limit 500 ms. */
export function check(n: number, more: Partial<TcpCheckerOptions> = {}): CheckerConfig {
  const timing = { delayLoop: 1000, delayBeforeRetry: 100, connectTimeout: 500, warmup: 0, retry: 1 };
  return tcpCheck({ address: `10.0.0.${n}`, port: 80, ...timing, ...more });
}

export function realServer(n: number, more: Partial<RealServer> = {}): RealServer {
  return {
    ...{ address: ipAddress(`10.0.0.${n}`), port: 80, weight: 1, forwarding: 'nat', uthreshold: 0, lthreshold: 0 },
    ...{ inhibitOnFailure: false, checkers: [check(n)] },
    ...more,
  };
}

/** 192.0.2.N:80/tcp. */
export function virtualServer(
  n: number,
  realServers: readonly RealServer[],
  more: Partial<VirtualServer> = {},
): VirtualServer {
  return { ...virtualServerDefaults, address: ipAddress(`192.0.2.${n}`), port: 80, realServers, ...more };
}

/** Lets `ms` pass in small steps, and everything happen in between that needs no time. */
export async function pass(clock: FakeClock, ms: number, step = 50): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    clock.advance(Math.min(step, ms - passed));
    await settled();
  }
  await settled();
}

export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
