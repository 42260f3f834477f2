/** Writes the virtual servers of examples, so that each one shows what it is about among plausible settings. */

export interface ExampleService {
  /** Default `192.0.2.1 80`. */
  readonly target?: string;
  /** Added to, or in place of, the usual ones. */
  readonly settings?: readonly string[];
  readonly servers: readonly ExampleServer[];
}

export interface ExampleServer {
  /** Address and port. */
  readonly at: string;
  /** Settings and checkers; a checker as `TCP_CHECK { connect_timeout 3; retry 1 }`. */
  readonly inside?: readonly string[];
}

export const tcpCheck = 'TCP_CHECK { connect_timeout 3 }';
export const httpCheck = 'HTTP_GET { virtualhost www.example.com; url { path /health }; connect_timeout 3 }';

const usual = ['delay_loop 6', 'lb_algo wlc', 'lb_kind DR', 'protocol TCP'];

export function exampleService({ target = '192.0.2.1 80', settings = [], servers }: ExampleService): string {
  const keyword = (line: string): string => line.split(' ')[0]!;
  const kept = usual.filter((line) => !settings.some((own) => keyword(own) === keyword(line)));
  const blocks = servers.map(({ at, inside = [] }) => `real_server ${at} { ${inside.join('; ')} }`);
  return layOut(`virtual_server ${target} { ${[...kept, ...settings, ...blocks].join('; ')} }`);
}

/** A pair of real servers that have the same inside. */
export function twoServers(...inside: readonly string[]): readonly ExampleServer[] {
  return [
    { at: '192.0.2.11 80', inside },
    { at: '192.0.2.12 80', inside },
  ];
}

/** One statement per line; `;` divides statements. */
function layOut(text: string): string {
  let depth = 0;
  const lines: string[] = [];
  for (const part of text.split(/(?<=\{)|(?=\})|;|(?<=\})/)) {
    const line = part.trim();
    if (line === '') continue;
    if (line === '}') depth--;
    lines.push('    '.repeat(depth) + line);
    if (line.endsWith('{')) depth++;
  }
  return `${lines.join('\n')}\n`;
}
