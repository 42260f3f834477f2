/**
 * `~SEQ` and `~LST` at the start of a line repeat the rest of it, with definitions that run through values:
 *
 *     ~SEQ(v, end)   ~SEQ(v, start, end)   ~SEQ(v, start, step, end)     decimal; ~SEQx gives hexadecimal
 *     ~LST(v, a, b)  ~LST({v,w}, {1,2}, {3,4})
 *
 * The definitions stay in force after the line, with their last values.
 */

/** Rows that one repetition may have. */
export const maxRows = 65_536;

export interface Repetition {
  readonly names: readonly string[];
  /** One value for each name. */
  readonly rows: readonly (readonly string[])[];
}

export type RepetitionResult = Repetition | { readonly problem: string };

/** Length of the repetition that starts at `at` in a line that ends at `to`, 0 when none does. */
export function repetitionLength(text: string, at: number, to: number): number {
  start.lastIndex = at;
  const match = start.exec(text);
  if (match === null) return 0;
  const close = text.indexOf(')', at + match[0].length);
  return close < 0 || close >= to ? 0 : close + 1 - at;
}

const start = /~(?:SEQx?|LST)[ \t]*\(/y;
const whole = /^~(SEQx?|LST)\s*\((.*)\)$/s;
const name = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Reads `~SEQ(...)` or `~LST(...)`, definitions in it already replaced. */
export function readRepetition(text: string): RepetitionResult {
  const match = whole.exec(text);
  if (match === null) return { problem: 'the parentheses are not closed' };
  return match[1] === 'LST' ? readList(match[2]!) : readSequence(match[2]!, match[1] === 'SEQx' ? 16 : 10);
}

function readSequence(text: string, radix: 10 | 16): RepetitionResult {
  const [variable = '', ...words] = text.split(',').map((word) => word.trim());
  if (!name.test(variable)) return { problem: `${JSON.stringify(variable)} is no name for a definition` };
  if (words.length < 1 || words.length > 3) return { problem: 'it takes a name and one to three numbers' };
  const wrong = words.find((word) => !/^-?(0[xX][0-9a-fA-F]+|\d+)$/.test(word));
  if (wrong !== undefined) return { problem: `${JSON.stringify(wrong)} is no whole number` };
  const numbers = words.map((word) => (word.startsWith('-') ? -Number(word.slice(1)) : Number(word)));
  const end = numbers.at(-1)!;
  const first = numbers.length > 1 ? numbers[0]! : end < 0 ? -1 : 1;
  const step = numbers.length === 3 ? numbers[1]! : first <= end ? 1 : -1;
  if (step === 0 || (end - first) * step < 0) return { problem: `steps of ${step} never lead from ${first} to ${end}` };
  const count = Math.floor((end - first) / step) + 1;
  if (count > maxRows) return { problem: `it has more than ${maxRows} values` };
  return {
    names: [variable],
    rows: Array.from({ length: count }, (_, index) => [(first + index * step).toString(radix)]),
  };
}

function readList(text: string): RepetitionResult {
  const entries = splitEntries(text);
  if (entries === undefined) return { problem: 'its braces do not match' };
  const [names = [], ...rows] = entries;
  const wrong = names.find((word) => !name.test(word));
  if (wrong !== undefined) return { problem: `${JSON.stringify(wrong)} is no name for a definition` };
  if (rows.length === 0) return { problem: 'it has no values' };
  if (rows.length > maxRows) return { problem: `it has more than ${maxRows} values` };
  if (rows.some((row) => row.length > names.length)) return { problem: 'it has more values in one place than names' };
  return { names, rows: rows.map((row) => names.map((_, index) => row[index] ?? '')) };
}

/** `{a,b}, c` as `[[a, b], [c]]`. */
function splitEntries(text: string): string[][] | undefined {
  const entries: string[][] = [];
  for (let rest = text.trim(); rest !== ''; ) {
    const match = /^(?:\{([^{}]*)\}|([^,{}]+))\s*(?:,\s*|$)/.exec(rest);
    if (match === null) return undefined;
    entries.push(match[1] === undefined ? [match[2]!.trim()] : match[1].split(',').map((word) => word.trim()));
    rest = rest.slice(match[0].length);
  }
  return entries;
}
