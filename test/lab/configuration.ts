/** Writes keepalived.conf texts for scenarios. */

export interface VirtualServerText {
  readonly port: number;
  readonly scheduler?: string;
  /** Further lines of the virtual server: `quorum 2`. */
  readonly settings?: readonly string[];
  readonly realServers: readonly RealServerText[];
}

export interface RealServerText {
  readonly address: string;
  readonly port?: number;
  readonly weight?: number;
  /** The lines of its checker, if any. */
  readonly checker?: readonly string[];
}

export const vip = '172.16.10.81';

export const tcpCheck = ['TCP_CHECK {', '  connect_timeout 1', '}'];
export const httpCheck = [
  'HTTP_GET {',
  '  url {',
  '    path /',
  '    status_code 200',
  '  }',
  '  connect_timeout 1',
  '}',
];
export const pingCheck = ['PING_CHECK {', '  connect_timeout 1', '}'];

/** LVS-NAT services of the director, checked every second, with one retry after one second. */
export function natConfiguration(virtualServers: readonly VirtualServerText[]): string {
  return virtualServers.map(virtualServerText).join('\n');
}

function virtualServerText({ port, scheduler = 'rr', settings = [], realServers }: VirtualServerText): string {
  const lines = [
    'delay_loop 1',
    'retry 1',
    'delay_before_retry 1',
    `lb_algo ${scheduler}`,
    'lb_kind NAT',
    'protocol TCP',
  ];
  return block(`virtual_server ${vip} ${port}`, [...lines, ...settings, ...realServers.flatMap(realServerLines)]);
}

function realServerLines({ address, port = 80, weight = 1, checker = [] }: RealServerText): string[] {
  return block(`real_server ${address} ${port}`, [`weight ${weight}`, ...checker])
    .trimEnd()
    .split('\n');
}

function block(head: string, lines: readonly string[]): string {
  return `${head} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
}
