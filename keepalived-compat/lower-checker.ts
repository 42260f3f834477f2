/** The checkers of a real server: inheritance, defaults of each kind, and what makes a checker incomplete. */
import { type IpAddress, ipFamily } from '../lib/address/ip-address.ts';
import type {
  CheckerConfig,
  CheckTarget,
  CheckTiming,
  HttpCheck,
  HttpCheckUrl,
  StatusRange,
} from '../lib/model/checker.ts';
import { type Duration, seconds } from '../lib/time/duration.ts';
import { argument, type BlockContents, readBlock, type Setting } from './block-reader.ts';
import type { DiagnosticList } from './diagnostic-list.ts';
import type { Statement } from './syntax-tree.ts';

/** What a checker takes over from its real server, which has it from its virtual server where it says nothing itself. */
export interface CheckInheritance {
  readonly retry: number | undefined;
  readonly delayBeforeRetry: Duration | undefined;
  readonly warmup: Duration | undefined;
  readonly connectTimeout: Duration | undefined;
  readonly delayLoop: Duration | undefined;
  readonly virtualHost: string | undefined;
  readonly alpha: boolean;
}

export interface CheckedServer extends CheckInheritance {
  readonly address: IpAddress;
  readonly port: number;
}

const defaultDelayLoop = seconds(60);
const defaultConnectTimeout = seconds(5);
const defaultRetry = 1;
const defaultStatusCodes: readonly StatusRange[] = [{ min: 200, max: 299 }];

/** The checker, or undefined when it lacks what it needs; that has been reported. */
export function lowerChecker(
  checker: Setting,
  statements: readonly Statement[],
  server: CheckedServer,
  diagnostics: DiagnosticList,
): CheckerConfig | undefined {
  const contents = readBlock(statements, { table: checker.keyword.table!, name: checker.name }, diagnostics);
  const isHttp = checker.name === 'HTTP_GET';
  const timing = lowerTiming(contents, server, isHttp ? seconds(3) : seconds(1));
  const address = (contents.text('connect_ip') as IpAddress | undefined) ?? server.address;
  const connectTimeout =
    (contents.number('connect_timeout') as Duration | undefined) ?? server.connectTimeout ?? defaultConnectTimeout;
  const bindAddress = lowerBindAddress(contents, address, diagnostics);
  const fwmark = contents.number('fwmark');
  const origin = {
    ...(bindAddress === undefined ? {} : { bindAddress }),
    ...(fwmark === undefined ? {} : { fwmark }),
  };
  if (checker.name === 'PING_CHECK') {
    reportPortsOfPing(contents, diagnostics);
    return { kind: 'ping', timing, address, timeout: connectTimeout, ...origin };
  }
  const port = contents.number('connect_port') ?? server.port;
  if (port === 0) {
    diagnostics.add('incomplete-checker', 'error', checker.token, {
      message: `${checker.name} has no port to connect to`,
      inEffect: 'this check does not run and never takes the real server out',
      hint: 'write connect_port',
    });
    return undefined;
  }
  const bindPort = lowerBindPort(contents, bindAddress, diagnostics);
  const target: CheckTarget = {
    address,
    port,
    connectTimeout,
    ...origin,
    ...(bindPort === undefined ? {} : { bindPort }),
  };
  return isHttp
    ? lowerHttp(checker, contents, target, timing, server, diagnostics)
    : { kind: 'tcp', timing, ...target };
}

/** In the order checker, real server, virtual server, default of the kind. */
function lowerTiming(contents: BlockContents, server: CheckedServer, defaultDelay: Duration): CheckTiming {
  const delayLoop = (contents.number('delay_loop') as Duration | undefined) ?? server.delayLoop ?? defaultDelayLoop;
  return {
    delayLoop,
    retry: contents.number('retry') ?? server.retry ?? defaultRetry,
    delayBeforeRetry:
      (contents.number('delay_before_retry') as Duration | undefined) ?? server.delayBeforeRetry ?? defaultDelay,
    warmup: (contents.number('warmup') as Duration | undefined) ?? server.warmup ?? delayLoop,
    alpha: contents.switch('alpha') ?? server.alpha,
  };
}

function lowerBindAddress(
  contents: BlockContents,
  address: IpAddress,
  diagnostics: DiagnosticList,
): IpAddress | undefined {
  const bindAddress = contents.text('bindto') as IpAddress | undefined;
  if (bindAddress === undefined || ipFamily(bindAddress) === ipFamily(address)) return bindAddress;
  diagnostics.add('address-family', 'error', argument(contents.last('bindto')!, 'addr')!.token, {
    message: `${bindAddress} is not of the family of ${address}, where the check connects to`,
    inEffect: 'bindto is ignored',
  });
  return undefined;
}

function lowerBindPort(
  contents: BlockContents,
  bindAddress: IpAddress | undefined,
  diagnostics: DiagnosticList,
): number | undefined {
  const setting = contents.last('bind_port');
  if (setting === undefined || bindAddress !== undefined) return contents.number('bind_port');
  if (!contents.has('bindto') && !contents.wasRefused('bindto')) {
    diagnostics.add('setting-without-effect', 'info', setting.token, {
      message: 'bind_port needs bindto',
      inEffect: 'bind_port is ignored',
    });
  }
  return undefined;
}

function reportPortsOfPing(contents: BlockContents, diagnostics: DiagnosticList): void {
  for (const name of ['connect_port', 'bind_port']) {
    const setting = contents.last(name);
    if (setting === undefined) continue;
    diagnostics.add('setting-without-effect', 'info', setting.token, {
      message: 'PING_CHECK uses no ports',
      inEffect: `${name} is ignored`,
    });
  }
}

function lowerHttp(
  checker: Setting,
  contents: BlockContents,
  target: CheckTarget,
  timing: CheckTiming,
  server: CheckedServer,
  diagnostics: DiagnosticList,
): HttpCheck | undefined {
  const written = contents.all('url');
  const urls = written.flatMap((url) => {
    const lowered = lowerUrl(url, diagnostics);
    return lowered === undefined ? [] : [lowered];
  });
  if (urls.length === 0) {
    diagnostics.add('incomplete-checker', 'error', checker.token, {
      message: written.length === 0 ? 'HTTP_GET has no url' : 'no url of this HTTP_GET can be asked',
      inEffect: 'this check does not run and never takes the real server out',
      hint: 'write url { path / }',
    });
    return undefined;
  }
  const virtualHost = contents.text('virtualhost') ?? server.virtualHost;
  const protocol = contents.text('http_protocol') ?? '1.0';
  return {
    kind: 'http',
    timing,
    ...target,
    httpVersion: protocol === '1.0c' ? '1.0C' : (protocol as HttpCheck['httpVersion']),
    ...(virtualHost === undefined ? {} : { virtualHost }),
    urls,
  };
}

function lowerUrl(url: Setting, diagnostics: DiagnosticList): HttpCheckUrl | undefined {
  const statements = url.statement.body?.statements ?? [];
  const contents = readBlock(statements, { table: url.keyword.table!, name: 'url' }, diagnostics);
  const path = contents.text('path');
  if (path === undefined) {
    if (!contents.wasRefused('path')) {
      diagnostics.add('incomplete-checker', 'error', url.token, {
        message: 'url has no path',
        inEffect: 'this url is not asked',
        hint: 'write path /',
      });
    }
    return undefined;
  }
  const virtualHost = contents.text('virtualhost');
  return {
    path: lowerPath(contents.last('path')!, path, diagnostics),
    statusCodes: lowerStatusCodes(contents, diagnostics),
    ...(virtualHost === undefined ? {} : { virtualHost }),
  };
}

/**
 * Differs: keepalived sends a path without `/` as it stands, which is no valid request (RFC 9112 section 3.2.1).
 */
function lowerPath(setting: Setting, path: string, diagnostics: DiagnosticList): string {
  if (path.startsWith('/')) return path;
  diagnostics.add('value-adjusted', 'warning', argument(setting, 'path')!.token, {
    message: 'a path begins with /',
    inEffect: `using /${path}`,
  });
  return `/${path}`;
}

const statusText = /^(\d{3})(?:-(\d{3}))?$/;

function lowerStatusCodes(contents: BlockContents, diagnostics: DiagnosticList): readonly StatusRange[] {
  const setting = contents.last('status_code');
  if (setting === undefined) return defaultStatusCodes;
  const ranges: StatusRange[] = [];
  for (const { value, token } of setting.values) {
    const match = statusText.exec(value as string);
    const min = Number(match?.[1]);
    const max = Number(match?.[2] ?? match?.[1]);
    if (match !== null && min >= 100 && max <= 599 && min <= max) {
      ranges.push({ min, max });
      continue;
    }
    diagnostics.add('invalid-value', 'error', token, {
      message: 'status_code takes codes from 100 to 599 and ranges of them',
      inEffect: 'the word is ignored',
      hint: 'for example 200-299 404',
    });
  }
  return ranges.length > 0 ? ranges : defaultStatusCodes;
}
