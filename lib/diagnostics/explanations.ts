/** The longer explanations of what reading a configuration may report; those of lints stand beside the lints. */
import type { ReadingCode } from './codes.ts';
import type { Explanation } from './explanation.ts';

const pool = (lines: string): string => `virtual_server 192.0.2.1 80 {
    delay_loop 6
    lb_algo rr
    lb_kind DR
    protocol TCP
${lines}}
`;

const realServer = (address = '192.0.2.11 80', inside = ''): string => `    real_server ${address} {
${inside}        TCP_CHECK {
            connect_timeout 3
        }
    }
`;

export const readingExplanations: Readonly<Record<ReadingCode, Explanation>> = {
  'file-unreadable': {
    text: `The main file does not exist, may not be read, is no regular file, or is executable. Nothing is started without it. As with
keepalived an executable file is not read: it is more likely a script than a configuration.`,
    example: 'include /etc/keepalived/keepalived.conf',
  },
  'include-missing': {
    text: `An include names a file, and there is none. The rest of the configuration is in effect. Names are relative to the directory
of the file that includes them. A pattern that matches nothing is no mistake; includem and includew are stricter.`,
    example: 'include servers.conf\n',
  },
  'include-skipped': {
    text: `What an include names is a directory, an executable file, a device, or a file that may not be read. It is skipped, and the
rest is in effect. includer stops the program in this case.`,
    example: 'include conf.d\n',
  },
  'include-failed': {
    text: `The checked forms of include stop the program instead of going on without a part: includer for what cannot be read, includem
for a missing file, includew for a wildcard without a match, includeb for a missing alternative, includea for all.`,
    example: 'includem servers.conf\n',
  },
  'include-limit': {
    text: `Files include each other in a circle, or too deep, or there are too many of them, or too much text in all. The file that goes
beyond the limit is skipped. A file that includes itself is the usual cause.`,
    example: 'include keepalived.conf\n',
  },
  'line-too-long': {
    text: `keepalived reads lines into a buffer of 1024 bytes, and what is longer breaks in the middle. Such a line is skipped as a whole
here. One statement on a line, and definitions of several lines, keep lines short.`,
    example: 'router_id aaaaaaaaaaaaaaaaaaaa... (more than 1023 bytes)\n',
  },
  'nul-byte': {
    text: `A NUL byte ends a line for keepalived, and what follows is lost without a word. The line is skipped here. The file is usually
not text, is in UTF-16, or was damaged when the disk was full.`,
    example: 'global_defs {\n    router_id lb\u24001\n}\n',
  },
  'unterminated-quote': {
    text: `A double quote is opened and not closed on its line; a quoted word cannot go on in the next line. The statement is skipped.
Quotes know no escapes: a quoted word cannot contain a double quote.`,
    example: 'global_defs {\n    router_id "lb one\n}\n',
  },
  'undefined-definition': {
    text: `A $NAME or \${NAME} stands for a definition that must stand before it in the text: $NAME=value. Without one the text is taken as
it is, dollar and all. Without braces that is only noted, as it may be meant (a regular expression).`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a definition of keepalived.conf
    example: 'global_defs {\n    router_id ${NAME}\n}\n',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a definition of keepalived.conf
    better: '$NAME=lb1\nglobal_defs {\n    router_id ${NAME}\n}\n',
  },
  'definition-limit': {
    text: `A definition that contains itself, directly or through others, would grow without end; so does one that doubles in several
steps. The line where it is used is skipped.`,
    example: '$A=$B\n$B=$A\nglobal_defs {\n    router_id $A\n}\n',
  },
  'multi-line-definition': {
    text: `A definition of several lines puts whole statements in the place where it is used. Text after it on the same line would have
to belong to its last line, and it does not.`,
    example: '$CHECK=TCP_CHECK { \\\n    }\nglobal_defs {\n    router_id $CHECK more\n}\n',
  },
  'unfinished-definition': {
    text: `The last line of the file ends a definition with a backslash, which announces one more line. Perhaps the file was cut off.`,
    example: '$SERVERS=192.0.2.11 \\',
    better: '$SERVERS=192.0.2.11\n',
  },
  'invalid-repetition': {
    text: `~SEQ(name, start, step, end) and ~LST(name, value, ...) repeat the rest of their line with $name set to one value after
another. Their words are wrong, or they stand where they cannot be carried out, or they repeat beyond all measure.`,
    example: '~SEQ(v, one) router_id lb$v\n',
  },
  'unbalanced-brace': {
    text: `A block is not closed, or a brace closes nothing. From there on it is not known which keyword belongs to which block, and a
wrong guess would take servers away, so the file is not used at all. The place that is shown is where the braces stop
fitting; the mistake is often above it, and the indentation shows where.`,
    example: 'global_defs {\n    router_id lb1\n',
    better: 'global_defs {\n    router_id lb1\n}\n',
  },
  'unexpected-brace': {
    text: `A { stands where no keyword could open a block. The block is skipped with its inside.`,
    example: 'global_defs {\n    {\n        router_id lb1\n    }\n}\n',
    better: 'global_defs {\n    router_id lb1\n}\n',
  },
  'nesting-too-deep': {
    text: `No keyword allows blocks as deep as this. The file is probably not meant for keepalived.`,
    example: `${'a { '.repeat(70)}${'} '.repeat(70)}\n`,
  },
  'unexpected-block': {
    text: `A keyword that takes words is followed by a block. The keyword is in effect, the block is skipped. Often two statements have
come together on one line: a line holds one statement, and the second keyword is read as a word of the first.`,
    example: 'global_defs {\n    router_id lb1 {\n    }\n}\n',
    better: 'global_defs {\n    router_id lb1\n}\n',
  },
  'missing-block': {
    text: `The keyword opens a block, and no { follows. A checker without settings may be written with an empty block.`,
    example: pool(realServer('192.0.2.11 80').replace(/TCP_CHECK \{\n.*\n\s*\}/, 'TCP_CHECK')),
    better: pool(realServer()),
  },
  'unknown-keyword': {
    text: `The word is no keyword at this place. It is skipped; where it opens a block, the whole block is skipped with it. The hint
names the nearest keyword that may stand here, or the block that the word belongs to. keepalived reads the inside of an
unknown block as if it stood outside, which may hit other settings.`,
    example: pool(`    dealy_loop 6\n${realServer()}`),
    better: pool(realServer()),
  },
  'keyword-not-supported': {
    text: `The keyword is one of keepalived's, and this version does not carry it out. What is in effect instead is said with it, and in
docs/compatibility.md for all keywords. Keywords that fail for one reason are reported together.`,
    example: 'global_defs {\n    smtp_server 192.0.2.25\n}\n',
  },
  'keyword-without-effect': {
    text: `The keyword is one of keepalived's, and doing nothing loses nothing: what it switches is not there in this version, or is
always so.`,
    example: 'global_defs {\n    use_symlink_paths on\n}\n',
  },
  'deprecated-keyword': {
    text: `The keyword has a newer name and works as before under the old one. The new name is in the hint.`,
    example: pool(
      realServer().replace(
        'TCP_CHECK {\n',
        'HTTP_GET {\n            url {\n                path /\n            }\n            nb_get_retry 3\n',
      ),
    ),
    better: pool(
      realServer().replace(
        'TCP_CHECK {\n',
        'HTTP_GET {\n            url {\n                path /\n            }\n            retry 3\n',
      ),
    ),
  },
  'repeated-keyword': {
    text: `The keyword stands twice in one block, and only one of the two counts; the diagnostic says which. One of them is probably
left from before, or belongs to another block.`,
    example: pool(`    delay_loop 3\n${realServer()}`),
    better: pool(realServer()),
  },
  'missing-argument': {
    text: `The keyword needs a word, and its line ends. keepalived ends at this point altogether; here the statement is ignored and the
rest is read.`,
    example: 'global_defs {\n    router_id\n}\n',
    better: 'global_defs {\n    router_id lb1\n}\n',
  },
  'extra-words': {
    text: `There are more words on the line than the keyword takes, and they mean nothing. Often two statements have come together on
one line, or a value with blanks lacks its double quotes.`,
    example: 'global_defs {\n    router_id lb one\n}\n',
    better: 'global_defs {\n    router_id "lb one"\n}\n',
  },
  'invalid-value': {
    text: `The word is not of the kind that the keyword takes: a number, an address, one of several names. The statement is ignored and
the default is in effect, or the block that needs the word is skipped; the diagnostic says which.`,
    example: pool(`    quorum two\n${realServer()}`),
    better: pool(`    quorum 1\n${realServer()}`),
  },
  'out-of-range': {
    text: `The number is smaller or greater than the keyword allows. The statement is ignored. docs/compatibility.md has the ranges of
all keywords.`,
    example: pool(`    quorum 0\n${realServer()}`),
    better: pool(`    quorum 1\n${realServer()}`),
  },
  'trailing-characters': {
    text: `Something stands behind a number without a blank, usually a unit. Numbers have no units: times are in seconds. The number is
in effect, which may be a thousand times what was meant.`,
    example: pool(`    warmup 500ms\n${realServer()}`),
    better: pool(`    warmup 0.5\n${realServer()}`),
  },
  'too-precise': {
    text: `Times are kept in microseconds: six decimals of a second. What is beyond is rounded.`,
    example: pool(`    warmup 0.00000051\n${realServer()}`),
    better: pool(`    warmup 0.000001\n${realServer()}`),
  },
  'missing-setting': {
    text: `lb_algo, lb_kind and protocol have defaults that surprise: protocol is UDP where it is not written. Each virtual server should
say what it is.`,
    example: pool(realServer()).replace('    protocol TCP\n', ''),
    better: pool(realServer()),
  },
  'out-of-order': {
    text: `Some settings are properties of the one before them, and mean nothing before it: sorry_server_inhibit and
sorry_server_lvs_method stand after sorry_server.`,
    example: pool(`    sorry_server_inhibit\n    sorry_server 192.0.2.99 80\n${realServer()}`),
    better: pool(`    sorry_server 192.0.2.99 80\n    sorry_server_inhibit\n${realServer()}`),
  },
  'setting-without-effect': {
    text: `The setting is a good one by itself and changes nothing together with the others, such as a port of PING_CHECK, or a
bind_port without bindto.`,
    example: pool(realServer().replace('connect_timeout 3', 'bind_port 4000')),
    better: pool(realServer()),
  },
  'setting-conflict': {
    text: `Two settings cannot both be in effect, or together take the service away: ops belongs to UDP, and a pool in which all weights
are 0 serves nobody.`,
    example: pool(realServer('192.0.2.11 80', '        weight 0\n')),
    better: pool(realServer('192.0.2.11 80', '        weight 1\n')),
  },
  'value-adjusted': {
    text: `The value is valid by itself and does not fit the rest of the block: a quorum above the sum of the weights, another port
where only NAT can change ports, a service without a port that is not persistent. The value that is in effect is named,
as keepalived would choose it.`,
    example: pool(`    quorum 5\n${realServer()}`),
    better: pool(`    quorum 1\n${realServer()}`),
  },
  'duplicate-virtual-server': {
    text: `The kernel knows one service for an address, port and protocol. The first block counts, and the second one is skipped with its
real servers. keepalived takes both, and their checks then fight over one pool.`,
    example: `${pool(realServer())}${pool(realServer('192.0.2.12 80'))}`,
    better: pool(`${realServer()}${realServer('192.0.2.12 80')}`),
  },
  'duplicate-real-server': {
    text: `A virtual server has the same address and port among its real servers twice. The first one counts. For a bigger share of the
clients write a greater weight.`,
    example: pool(`${realServer()}${realServer()}`),
    better: pool(`${realServer()}${realServer('192.0.2.12 80')}`),
  },
  'no-real-servers': {
    text: `A virtual server without a real server that can be used would take its clients' connections to nowhere. It is skipped, so that
the packets go wherever they went without it.`,
    example: pool(''),
    better: pool(realServer()),
  },
  'address-family': {
    text: `NAT and DR cannot carry IPv4 to IPv6 or the other way; only a tunnel can. Likewise a check cannot start from an IPv4 address
and connect to an IPv6 one.`,
    example: pool(`${realServer()}${realServer('2001:db8::11 80')}`),
    better: pool(`${realServer()}${realServer('192.0.2.12 80')}`),
  },
  'incomplete-checker': {
    text: `The checker lacks what it needs to run: HTTP_GET a url with a path, any connection a port. It does not run, and so it never
takes the real server out.`,
    example: pool(realServer().replace(/TCP_CHECK/, 'HTTP_GET')),
    better: pool(
      realServer().replace('TCP_CHECK {\n', 'HTTP_GET {\n            url {\n                path /\n            }\n'),
    ),
  },
  'checker-not-supported': {
    text: `This version does not carry out checkers of this kind. The other checkers of the real server decide; where there is none, the
real server is always considered up. A TCP_CHECK beside it sees at least that somebody listens.`,
    example: pool(realServer().replace('TCP_CHECK', 'SMTP_CHECK')),
    better: pool(realServer()),
  },
  'too-many-diagnostics': {
    text: `There are more diagnostics than are shown, which is 10,000. Mend the first ones: most of the others usually have the same
cause.`,
    example: 'nonsense\n(and so on, more than 10,000 times)\n',
  },
};
