/** Every diagnostic's code, with the line that `docs/diagnostics.md` shows. The list is closed. */
export const diagnosticCodes = {
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

export type DiagnosticCode = keyof typeof diagnosticCodes;
