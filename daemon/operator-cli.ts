/** The command line of ipvigil, the operator's command. Pure. */
import { nearest } from '../keepalived-compat/nearest.ts';
import { type DiagnosticCode, diagnosticCodes } from '../lib/diagnostics/codes.ts';
import { isReportFormat, type ReportFormat, reportFormats } from './config-report.ts';

export type OperatorCommand =
  | {
      readonly kind: 'check';
      readonly file: string;
      readonly format: ReportFormat;
      readonly configId: string | undefined;
      readonly allow: ReadonlySet<DiagnosticCode>;
    }
  /** Without a code: the list of all. */
  | { readonly kind: 'explain'; readonly code: DiagnosticCode | undefined }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly message: string };

export const operatorUsage = `Usage: ipvigil COMMAND [OPTION...]

  ipvigil check [FILE]       say what is wrong with a configuration, and what will surprise you later
                             (default /etc/keepalived/keepalived.conf); nothing is started or changed
      --format=FORMAT        text (default), json or sarif
      --config-id=ID, -i ID  select the lines that begin with @ID (default: the host name)
      --allow=CODE           leave out warnings and infos of this code; may be repeated
  ipvigil explain [CODE]     explain a diagnostic with an example; without CODE list them all
  ipvigil --version, -v      print the version
  ipvigil --help, -h         print this

Exit status of check: 0 nothing but infos, 4 only problems with files or a file that cannot be used at
all, 5 other errors and warnings, 6 security problems. A wrong command line gives 1.
`;

/** `words` are the arguments without the program's name. A word `--` ends the options. */
export function parseOperatorCommand(words: readonly string[]): OperatorCommand {
  const [name, ...rest] = words;
  if (name === undefined) return wrong('no command');
  if (rest.includes('--help') || rest.includes('-h')) return { kind: 'help' };
  switch (name) {
    case '--help':
    case '-h':
    case 'help':
      return { kind: 'help' };
    case '--version':
    case '-v':
      return { kind: 'version' };
    case 'check':
      return parseCheck(rest);
    case 'explain':
      return parseExplain(rest);
    default:
      return wrong(`unknown command ${JSON.stringify(name)}${suggestion(name, ['check', 'explain'])}`);
  }
}

const checkOptions = ['--format', '--config-id', '--allow'];

function parseCheck(words: readonly string[]): OperatorCommand {
  const files: string[] = [];
  const allow = new Set<DiagnosticCode>();
  let format: ReportFormat = 'text';
  let configId: string | undefined;
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      files.push(...rest.splice(0));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      files.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const option = word === '-i' ? '--config-id' : equals < 0 ? word : word.slice(0, equals);
    if (!checkOptions.includes(option)) return wrong(`unknown option ${option}${suggestion(option, checkOptions)}`);
    const value = equals < 0 ? rest.shift() : word.slice(equals + 1);
    if (value === undefined || value === '') return wrong(`option ${option} needs a value`);
    if (option === '--format') {
      if (!isReportFormat(value)) return wrong(`--format is one of ${reportFormats.join(', ')}`);
      format = value;
    } else if (option === '--config-id') configId = value;
    else if (isCode(value)) allow.add(value);
    else return unknownCode(value);
  }
  if (files.length > 1) return wrong('check takes one file');
  return { kind: 'check', file: files[0] ?? '/etc/keepalived/keepalived.conf', format, configId, allow };
}

function parseExplain(words: readonly string[]): OperatorCommand {
  const [code, ...more] = words;
  if (more.length > 0) return wrong('explain takes one code');
  if (code === undefined) return { kind: 'explain', code: undefined };
  // As it stands in a diagnostic: `error[unknown-keyword]` or the code alone.
  const bare = /\[([\w-]+)\]$/.exec(code)?.[1] ?? code;
  return isCode(bare) ? { kind: 'explain', code: bare } : unknownCode(bare);
}

function isCode(word: string): word is DiagnosticCode {
  return Object.hasOwn(diagnosticCodes, word);
}

function unknownCode(word: string): OperatorCommand {
  return wrong(`there is no diagnostic ${JSON.stringify(word)}${suggestion(word, Object.keys(diagnosticCodes))}`);
}

function suggestion(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

function wrong(message: string): OperatorCommand {
  return { kind: 'wrong', message };
}
