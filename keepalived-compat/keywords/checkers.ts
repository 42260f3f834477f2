/** The checkers of a real server. TCP_CHECK, HTTP_GET and PING_CHECK are carried out; the others are only known. */
import {
  block,
  command,
  flag,
  int,
  ip,
  type Keyword,
  networkInterface,
  oneOf,
  onOff,
  optional,
  other,
  port,
  repeated,
  seconds,
  setting,
  text,
  uint,
  withStatus,
} from './keyword.ts';

/** Defaults that differ from one checker to another, after the real server and the virtual server have been asked. */
interface TypeDefaults {
  readonly retry: number;
  readonly delayBeforeRetry: string;
}

/** When a checker runs. */
function timingOptions({ retry, delayBeforeRetry }: TypeDefaults): readonly Keyword[] {
  return [
    setting('retry', [uint('n')], { default: `that of the real server, else of the virtual server, else ${retry}` }),
    setting('delay_before_retry', [seconds('secs')], {
      default: `that of the real server, else of the virtual server, else ${delayBeforeRetry}`,
    }),
    setting('warmup', [seconds('secs')], {
      default: 'that of the real server, else of the virtual server, else delay_loop of the checker',
    }),
    setting('delay_loop', [seconds('secs', 0.000001)], {
      default: 'that of the real server, else of the virtual server (60 s)',
    }),
    setting('alpha', onOff, { default: 'that of the real server' }),
    setting('log_all_failures', onOff, { default: 'false (or checker_log_all_failures)' }),
  ];
}

/** What all checkers that open a connection share. */
function connectOptions(defaults: TypeDefaults): readonly Keyword[] {
  return [
    setting('connect_ip', [ip('addr')], { default: 'address of the real server' }),
    setting('connect_port', [port()], { default: 'port of the real server' }),
    setting('bindto', [ip('addr')], { default: 'any' }),
    setting('bind_port', [port()], { default: 'any' }),
    setting('bind_if', [networkInterface('iface')], { default: 'none' }),
    setting('connect_timeout', [seconds('secs', 0.000001, 4294.967295)], {
      default: 'that of the real server, else of the virtual server (5 s)',
    }),
    setting('fwmark', [uint('mark')], { default: 0 }),
    ...timingOptions(defaults),
  ];
}

/** The same options where they are carried out. */
function supportedConnectOptions(defaults: TypeDefaults): readonly Keyword[] {
  return withStatus('supported', connectOptions(defaults)).map((keyword) => {
    if (keyword.name === 'bind_if') {
      return { ...keyword, status: 'not-supported', inEffect: 'the route decides on the interface' };
    }
    if (keyword.name === 'log_all_failures') {
      return { ...keyword, status: 'not-supported', inEffect: 'failures within the retries are not logged' };
    }
    return keyword;
  });
}

/** Of HTTP_GET and SSL_GET. */
function httpOptions(): readonly Keyword[] {
  return [
    setting('nb_get_retry', [uint('n')], { replacedBy: 'retry', status: 'supported' }),
    setting('virtualhost', [text('name')], {
      default: 'that of the real server, else of the virtual server',
      status: 'supported',
    }),
    setting('http_protocol', [oneOf('ver', ['1.0', '1.1', '1.0C', '1.0c'])], { default: '1.0', status: 'supported' }),
    setting('enable_sni', onOff, {
      default: 'false',
      status: 'without-effect',
      inEffect: 'there is no TLS in this checker',
      feature: 'SNI',
    }),
    setting('sni_name', [optional(text('name'))], {
      default: 'virtualhost in force',
      status: 'without-effect',
      inEffect: 'there is no TLS in this checker',
      feature: 'SNI',
    }),
    setting('fast_recovery', onOff, { default: 'false', inEffect: 'each url waits for its own round after a failure' }),
  ];
}

const regexOptions = [
  'allow_empty_class',
  'alt_bsux',
  'auto_callout',
  'caseless',
  'dollar_endonly',
  'dotall',
  'dupnames',
  'extended',
  'firstline',
  'match_unset_backref',
  'multiline',
  'never_ucp',
  'never_utf',
  'no_auto_capture',
  'no_auto_possess',
  'no_dotstar_anchor',
  'no_start_optimize',
  'ucp',
  'ungreedy',
  'utf',
  'never_backslash_c',
  'alt_circumflex',
  'alt_verbnames',
  'use_offset_limit',
];

const noRegex = { inEffect: 'the response is accepted whatever its text', feature: 'regular expressions' } as const;

/** Of the block url. */
function urlOptions(): readonly Keyword[] {
  return [
    setting('path', [text('path')], { status: 'supported' }),
    setting('digest', [other('md5', '32 hexadecimal digits')], {
      repeat: 'first',
      default: 'none',
      inEffect: 'the digest is not compared: the response is accepted whatever its text',
    }),
    setting('status_code', [repeated(other('codes', '200 or 200-299'))], { default: '200-299', status: 'supported' }),
    setting('virtualhost', [text('name')], { default: 'that of the checker', status: 'supported' }),
    setting('regex', [other('pattern', 'a Perl regular expression')], { default: 'none', ...noRegex }),
    flag('regex_no_match', { default: 'off', ...noRegex }),
    setting('regex_options', [repeated(oneOf('opts', regexOptions))], { default: 'none', ...noRegex }),
    setting('regex_min_offset', [uint('n')], { default: 0, ...noRegex }),
    setting('regex_max_offset', [uint('n')], { default: 'none', ...noRegex }),
    setting('regex_stack', [uint('start'), uint('max')], { default: 'default JIT stack', ...noRegex }),
  ];
}

const plain: TypeDefaults = { retry: 1, delayBeforeRetry: '1 s' };
const http: TypeDefaults = { retry: 1, delayBeforeRetry: '3 s' };

export const checkerKeywords: readonly Keyword[] = [
  block('MISC_CHECK', [], { repeat: 'each' }, [
    ...timingOptions({ retry: 0, delayBeforeRetry: '1 s' }),
    setting('misc_path', [command[0]!]),
    setting('misc_timeout', [uint('secs', 0, 4294)], { default: 'delay_loop of the virtual server' }),
    flag('misc_dynamic', { default: 'off' }),
    setting('user', [text('user'), optional(text('group'))], { default: 'script_user default' }),
  ]),
  block('SMTP_CHECK', [], { repeat: 'each' }, [
    setting('helo_name', [text('name')], { default: 'smtpchecker.keepalived.org' }),
    ...connectOptions(plain),
    block('host', [], { repeat: 'each' }, connectOptions(plain)),
  ]),
  block('TCP_CHECK', [], { repeat: 'each', status: 'supported', bodyOptional: true }, supportedConnectOptions(plain)),
  block('PING_CHECK', [], { repeat: 'each', status: 'supported', bodyOptional: true }, supportedConnectOptions(plain)),
  block('UDP_CHECK', [], { repeat: 'each' }, [
    ...connectOptions(plain),
    setting('payload', [repeated(other('hex', 'octets in hexadecimal'))], { default: '32 bytes of text' }),
    setting('require_reply', [optional(other('hex', 'octets in hexadecimal'))], { default: 'no reply needed' }),
    setting('min_reply_length', [uint('n', 0, 65_535)], { default: 0 }),
    setting('max_reply_length', [uint('n', 0, 65_535)], { default: 255 }),
  ]),
  block('HTTP_GET', [], { repeat: 'each', status: 'supported' }, [
    ...supportedConnectOptions(http),
    ...httpOptions(),
    block('url', [], { repeat: 'each', status: 'supported' }, urlOptions()),
  ]),
  block('SSL_GET', [], { repeat: 'each' }, [
    ...connectOptions(http),
    ...httpOptions(),
    setting('tls_compliant', onOff, { default: 'false' }),
    block('url', [], { repeat: 'each' }, [...urlOptions(), setting('tls_compliant', onOff, { default: 'checker' })]),
  ]),
  block('DNS_CHECK', [], { repeat: 'each' }, [
    ...connectOptions({ retry: 3, delayBeforeRetry: 'delay_loop of the checker' }),
    setting(
      'type',
      [
        {
          ...oneOf('rr', ['A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY']),
          anyCase: true,
        },
      ],
      { default: 'SOA' },
    ),
    setting('name', [text('name')], { repeat: 'first', default: '. (root)' }),
  ]),
  block('FILE_CHECK', [], { repeat: 'each' }, [
    setting('track_file', [text('name')]),
    setting('weight', [int('w', -2_147_483_647), optional(oneOf('option', ['reverse', 'noreverse']))], {
      default: 'weight of the track_file',
    }),
  ]),
  block('BFD_CHECK', [], { repeat: 'each' }, [
    setting('name', [text('name')]),
    setting('alpha', onOff, { default: 'that of the real server' }),
  ]),
];
