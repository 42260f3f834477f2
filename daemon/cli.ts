/** The command line of ipvigild: keepalived's options as far as they are supported, and a few of our own. Pure. */
import { isReportFormat, type ReportFormat, reportFormats } from './config-report.ts';

export interface DaemonOptions {
  /** -f, --use-file */
  readonly file: string;
  /** -i, --config-id: selects `@ID` lines; default is the host name up to the first dot. */
  readonly configId: string | undefined;
  /** -n, --dont-fork */
  readonly foreground: boolean;
  /** -l, --log-console */
  readonly logToConsole: boolean;
  /** -D, --log-detail: every verdict and command. */
  readonly logDetail: boolean;
  /** -p, --pid */
  readonly pidFile: string | undefined;
  /** --run-dir: where the record of our services, its lock and the pid file live. */
  readonly runDirectory: string;
  /** -I, --dont-release-ipvs: leave the table as it is on stop. */
  readonly keepTable: boolean;
  /** --lenient: runs without what the configuration's errors are about, as keepalived does. */
  readonly lenient: boolean;
  /** --dry-run[=FILE]: commands go to a table in memory and to FILE, `-` for standard output. */
  readonly dryRun: string | undefined;
}

export type CommandLine =
  | { readonly kind: 'run'; readonly options: DaemonOptions }
  /** -t, --config-test[=FILE]: diagnostics go to stderr or are appended to FILE; see --format for the other formats. */
  | {
      readonly kind: 'test';
      readonly options: DaemonOptions;
      readonly output: string | undefined;
      readonly format: ReportFormat;
    }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly message: string };

export const usage = `Usage: ipvigild [OPTION...]

Checks the real servers of a keepalived.conf and keeps the kernel's IPVS table equal to it.

  -f, --use-file=FILE        the configuration (default /etc/keepalived/keepalived.conf)
  -t, --config-test[=FILE]   check the configuration and exit; messages are appended to FILE
      --format=FORMAT        of -t: text (default), json or sarif; the last two go to standard output, or replace
                             the FILE of -t
      --dry-run[=FILE]       check real servers, but change a table in memory instead of the kernel's;
                             the commands are written to FILE (default: standard output)
      --lenient              run without the statements that have errors, instead of refusing to start
  -n, --dont-fork            stay in the foreground
  -l, --log-console          log to standard error instead of syslog
  -D, --log-detail           log every verdict of a checker and every command
  -I, --dont-release-ipvs    leave the table as it is on exit
  -i, --config-id=ID         select the lines that begin with @ID (default: the host name)
  -p, --pid=FILE             pid file (default: ipvigild.pid in the run directory)
      --run-dir=DIR          where ipvigild notes which services are its own (default /run/ipvigil)
  -v, --version              print the version
  -h, --help                 print this

Signals: HUP reads the configuration again, TERM and INT stop.
`;

interface OptionRule {
  readonly short?: string;
  readonly argument: 'none' | 'required' | 'optional';
}

const rules = {
  'use-file': { short: 'f', argument: 'required' },
  'config-test': { short: 't', argument: 'optional' },
  format: { argument: 'required' },
  'dry-run': { argument: 'optional' },
  lenient: { argument: 'none' },
  'dont-fork': { short: 'n', argument: 'none' },
  'log-console': { short: 'l', argument: 'none' },
  'log-detail': { short: 'D', argument: 'none' },
  'dont-release-ipvs': { short: 'I', argument: 'none' },
  'config-id': { short: 'i', argument: 'required' },
  pid: { short: 'p', argument: 'required' },
  'run-dir': { argument: 'required' },
  version: { short: 'v', argument: 'none' },
  help: { short: 'h', argument: 'none' },
} satisfies Record<string, OptionRule>;

type OptionName = keyof typeof rules;

/** `words` are the arguments without the program's name. As getopt_long(3): `-fFILE`, `-f FILE`, `--use-file=FILE`. */
export function parseCommandLine(words: readonly string[]): CommandLine {
  const given = new Map<OptionName, string | undefined>();
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const problem = word.startsWith('--') ? takeLong(word, rest, given) : takeShort(word, rest, given);
    if (problem !== undefined) return { kind: 'wrong', message: problem };
  }
  if (given.has('help')) return { kind: 'help' };
  if (given.has('version')) return { kind: 'version' };
  const options: DaemonOptions = {
    file: given.get('use-file') ?? '/etc/keepalived/keepalived.conf',
    configId: given.get('config-id'),
    foreground: given.has('dont-fork'),
    logToConsole: given.has('log-console'),
    logDetail: given.has('log-detail'),
    pidFile: given.get('pid'),
    runDirectory: given.get('run-dir') ?? '/run/ipvigil',
    keepTable: given.has('dont-release-ipvs'),
    lenient: given.has('lenient'),
    dryRun: given.has('dry-run') ? (given.get('dry-run') ?? '-') : undefined,
  };
  const format = given.get('format') ?? 'text';
  if (!isReportFormat(format)) return { kind: 'wrong', message: `--format is one of ${reportFormats.join(', ')}` };
  if (given.has('config-test')) return { kind: 'test', options, output: given.get('config-test'), format };
  if (given.has('format')) return { kind: 'wrong', message: 'option --format needs --config-test' };
  return { kind: 'run', options };
}

function takeLong(word: string, rest: string[], given: Map<OptionName, string | undefined>): string | undefined {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  if (!isOptionName(name)) return `unknown option --${name}`;
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  const { argument } = rules[name];
  if (argument === 'none' && value !== undefined) return `option --${name} takes no value`;
  if (value === '') return `option --${name} has an empty value`;
  if (argument === 'required' && value === undefined) return takeValue(name, `--${name}`, rest, given);
  given.set(name, value);
  return undefined;
}

function takeShort(word: string, rest: string[], given: Map<OptionName, string | undefined>): string | undefined {
  if (!word.startsWith('-') || word === '-') return `unexpected word ${JSON.stringify(word)}`;
  for (let i = 1; i < word.length; i++) {
    const letter = word[i]!;
    const name = optionNames.find((candidate) => shortOf(candidate) === letter);
    if (name === undefined) return `unknown option -${letter}`;
    const { argument } = rules[name];
    if (argument === 'none') {
      given.set(name, undefined);
      continue;
    }
    const attached = word.slice(i + 1);
    if (attached === '' && argument === 'required') return takeValue(name, `-${letter}`, rest, given);
    given.set(name, attached === '' ? undefined : attached);
    return undefined;
  }
  return undefined;
}

function takeValue(
  name: OptionName,
  spelling: string,
  rest: string[],
  given: Map<OptionName, string | undefined>,
): string | undefined {
  const value = rest.shift();
  if (value === undefined || value === '') return `option ${spelling} needs a value`;
  given.set(name, value);
  return undefined;
}

const optionNames = Object.keys(rules) as OptionName[];

function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(rules, name);
}

function shortOf(name: OptionName): string | undefined {
  return (rules[name] as OptionRule).short;
}
