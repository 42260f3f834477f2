/** What reading a configuration may report, with the line that `docs/diagnostics.md` shows. */
export const readingCodes = {
  // Files
  'file-unreadable': 'The configuration file cannot be read.',
  'include-missing': 'An include names a file that does not exist.',
  'include-skipped':
    'An include names something that is not read: a directory, an executable file, one without access.',
  'include-failed': 'A checked include (includer, includem, includew, includeb, includea) found a problem.',
  'include-limit': 'Includes go too deep, include themselves, or bring in too much text.',
  // Lines
  'line-too-long': 'A line is longer than 1023 bytes and is not read.',
  'nul-byte': 'A line contains a NUL byte and is not read.',
  'unterminated-quote': 'A double quote is not closed on its line.',
  'undefined-definition': 'A `$NAME`, with or without braces, has no definition; the text stays as it is.',
  'definition-limit': 'A definition uses itself, or grows beyond all measure.',
  'multi-line-definition': 'A definition of several lines is used where text follows on the same line.',
  'unfinished-definition': 'A definition ends in `\\`, and the file ends there.',
  'invalid-repetition': 'A `~SEQ` or `~LST` cannot be carried out.',
  // Blocks
  'unbalanced-brace': 'A block is not closed, or a `}` closes nothing.',
  'unexpected-brace': 'A `{` follows nothing that could open a block.',
  'nesting-too-deep': 'Blocks are nested deeper than any keyword allows.',
  'unexpected-block': 'A keyword that takes no block is followed by one.',
  'missing-block': 'A keyword that opens a block has none.',
  // Keywords
  'unknown-keyword': 'The word is no keyword of keepalived at this place.',
  'keyword-not-supported': 'A keyword of keepalived that this version does not carry out.',
  'keyword-without-effect': 'A keyword of keepalived that is read and changes nothing in this version.',
  'deprecated-keyword': 'An old spelling of a keyword; it still works.',
  'repeated-keyword': 'A keyword stands twice where one counts.',
  // Words
  'missing-argument': 'A keyword lacks a word that it needs.',
  'extra-words': 'Words at the end of a statement have no meaning there.',
  'invalid-value': 'A word is not of the kind that the keyword takes.',
  'out-of-range': 'A number is outside the range of its keyword.',
  'trailing-characters': 'A number has other characters behind it.',
  'too-precise': 'A time has more decimals than are kept.',
  // Meaning
  'missing-setting': 'A setting that should be written is not; a default is used.',
  'out-of-order': 'A setting needs another one before it.',
  'setting-without-effect': 'A setting changes nothing in its combination with others.',
  'setting-conflict': 'Two settings contradict each other.',
  'value-adjusted': 'A value does not fit the rest of the block and is changed.',
  'duplicate-virtual-server': 'Two virtual servers have the same address, port and protocol.',
  'duplicate-real-server': 'A virtual server has the same real server twice.',
  'no-real-servers': 'A virtual server has no real server.',
  'address-family': 'An IPv4 and an IPv6 address stand where both must be of one kind.',
  'incomplete-checker': 'A checker lacks what it needs and does not run.',
  'checker-not-supported': 'A kind of checker that this version does not carry out.',
  // The list itself
  'too-many-diagnostics': 'There are more diagnostics than are shown.',
} as const;

/** What works as written and will still surprise somebody; found by lints, which may be switched off one by one. */
export const lintCodes = {
  // What is checked
  'no-checker': 'A real server has no checker: when it dies it goes on getting clients.',
  'alpha-without-checker': 'alpha waits for a check to pass, and there is no check.',
  'inhibit-without-checker': 'inhibit_on_failure says what a failed check does, and there is no check.',
  'ping-only': 'Only PING_CHECK looks at a service, so a dead program on a living machine stays in.',
  'udp-checked-by-tcp': 'A UDP service is only looked at through TCP.',
  'port-unchecked': 'No checker connects to the port that the clients are sent to.',
  'check-elsewhere': 'A check connects to another address than that of its real server.',
  'same-check-target': 'Real servers share the target of a check, so they go up and down together.',
  'duplicate-checker': 'A real server has the same checker twice.',
  'redundant-tcp-check': 'A TCP_CHECK finds nothing that the HTTP_GET beside it does not find.',
  'fixed-bind-port': 'A check always uses the same source port, which the connection before it may still hold.',
  // When it is checked
  'timeout-beyond-delay': 'A check may take longer than the time from one check to the next.',
  'retry-delay-beyond-loop': 'The wait before a retry is longer than that between ordinary checks.',
  'hasty-verdict': 'One lost packet takes a real server out.',
  'slow-detection': 'A dead real server goes on getting clients for more than a minute.',
  'frequent-checks': 'A real server is checked more than ten times per second.',
  // HTTP
  'status-excludes-200': 'An HTTP_GET does not accept the status 200.',
  'status-accepts-errors': 'An HTTP_GET accepts a status that reports an error of the server.',
  'no-virtualhost': 'An HTTP_GET sends no host name of its own.',
  'plain-http-on-tls-port': 'An HTTP_GET speaks plain HTTP to a port that is known for TLS.',
  // The pool
  'single-real-server': 'A virtual server has one real server and nothing to take over.',
  'weight-zero': 'A real server has weight 0 and gets no new connections.',
  'weights-ignored': 'Weights differ, and the scheduler does not look at them.',
  'mixed-forwarding': 'Real servers of one virtual server are reached in different ways.',
  'thresholds-reversed': 'lthreshold is above uthreshold, which the kernel refuses.',
  'unusable-address': 'An address can be neither that of a virtual server nor that of a real server.',
  'persistence-with-hashing': 'The scheduler already sends a client to the same real server each time.',
  'inhibit-with-hashing': 'The scheduler goes on choosing a real server whose weight is 0.',
  'sorry-server-never-used': 'The quorum cannot be lost, so the sorry server never serves.',
  'sorry-server-is-real-server': 'The sorry server is one of the real servers.',
  'quorum-without-sorry-server': 'Losing the quorum changes nothing without a sorry server.',
} as const;

/** Every diagnostic's code. The list is closed. */
export const diagnosticCodes = { ...readingCodes, ...lintCodes } as const;

export type ReadingCode = keyof typeof readingCodes;
export type LintCode = keyof typeof lintCodes;
export type DiagnosticCode = keyof typeof diagnosticCodes;
