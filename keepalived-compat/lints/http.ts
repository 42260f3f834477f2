/** Lints about HTTP_GET. */
import type { Place } from '../diagnostic-list.ts';
import { exampleService, httpCheck, tcpCheck, twoServers } from './example.ts';
import type { Lint } from './lint.ts';
import type { CheckerView, RealServerView } from './view.ts';

const noVirtualHost: Lint = {
  code: 'no-virtualhost',
  severity: 'info',
  explanation: {
    text: `Without virtualhost an HTTP_GET names address and port of the real server as its host. A web server with several sites then
answers with its default one, which may be well while the site of the clients is not.`,
    example: exampleService({ servers: twoServers('HTTP_GET { url { path / }; connect_timeout 3 }') }),
    better: exampleService({ servers: twoServers(httpCheck) }),
  },
  find: ({ realServers }) =>
    httpChecks(realServers)
      .filter(
        ({ config }) => config.virtualHost === undefined && config.urls.some((url) => url.virtualHost === undefined),
      )
      .map(({ at }) => ({ at, message: 'this HTTP_GET sends no host name', hint: 'write virtualhost NAME' })),
};

type HttpView = { readonly at: Place; readonly config: Extract<CheckerView['config'], { kind: 'http' }> };

function httpChecks(realServers: readonly RealServerView[]): HttpView[] {
  return realServers.flatMap(({ checkers }) =>
    checkers.flatMap(({ at, config }) => (config.kind === 'http' ? [{ at, config }] : [])),
  );
}

const statusExcludes200: Lint = {
  code: 'status-excludes-200',
  severity: 'info',
  explanation: {
    text: `status_code names what counts as healthy, and 200 is not among it. That is right for a page that always redirects (301, 302)
or wants a password (401). If the page is ever answered with 200, all real servers leave the pool.`,
    example: exampleService({
      servers: twoServers(
        'HTTP_GET { virtualhost www.example.com; url { path /; status_code 301 }; connect_timeout 3 }',
      ),
    }),
    better: exampleService({
      servers: twoServers(
        'HTTP_GET { virtualhost www.example.com; url { path /; status_code 200 301 }; connect_timeout 3 }',
      ),
    }),
  },
  find: ({ realServers }) =>
    httpChecks(realServers)
      .filter(({ config }) =>
        config.urls.some((url) => !url.statusCodes.some(({ min, max }) => min <= 200 && max >= 200)),
      )
      .map(({ at }) => ({ at, message: 'status_code of this HTTP_GET does not accept 200' })),
};

const statusAcceptsErrors: Lint = {
  code: 'status-accepts-errors',
  severity: 'warning',
  explanation: {
    text: `A status from 500 on is how a web server says that it cannot serve: an error in the program (500), nobody behind the proxy
(502), overload (503). A check that accepts them keeps such a server in the pool.`,
    example: exampleService({
      servers: twoServers(
        'HTTP_GET { virtualhost www.example.com; url { path /; status_code 200-599 }; connect_timeout 3 }',
      ),
    }),
    better: exampleService({
      servers: twoServers(
        'HTTP_GET { virtualhost www.example.com; url { path /; status_code 200-299 }; connect_timeout 3 }',
      ),
    }),
  },
  find: ({ realServers }) =>
    httpChecks(realServers)
      .filter(({ config }) => config.urls.some((url) => url.statusCodes.some(({ max }) => max >= 500)))
      .map(({ at }) => ({ at, message: 'this HTTP_GET accepts a status that reports an error of the server' })),
};

/** https, and the port that stands in for it without privilege. */
const tlsPorts = new Set([443, 8443]);

const plainHttpOnTlsPort: Lint = {
  code: 'plain-http-on-tls-port',
  severity: 'warning',
  explanation: {
    text: `HTTP_GET speaks plain HTTP. A server that expects TLS on the port answers 400 or closes the connection, and the real server
leaves the pool though nothing is wrong with it. SSL_GET is the keyword for such a port; where that is not carried out,
a TCP_CHECK sees at least that somebody listens.`,
    example: exampleService({
      target: '192.0.2.1 443',
      servers: [
        { at: '192.0.2.11 443', inside: [httpCheck] },
        { at: '192.0.2.12 443', inside: [httpCheck] },
      ],
    }),
    better: exampleService({
      target: '192.0.2.1 443',
      servers: [
        { at: '192.0.2.11 443', inside: [tcpCheck] },
        { at: '192.0.2.12 443', inside: [tcpCheck] },
      ],
    }),
  },
  find: ({ realServers }) =>
    httpChecks(realServers)
      .filter(({ config }) => tlsPorts.has(config.port))
      .map(({ at, config }) => ({ at, message: `HTTP_GET speaks plain HTTP to port ${config.port}` })),
};

export const httpLints: readonly Lint[] = [noVirtualHost, statusExcludes200, statusAcceptsErrors, plainHttpOnTlsPort];
