/** Guesses where a brace is missing, for people only: nothing is ever read differently because of it. */
import type { Keyword, KeywordTable } from './keywords/keyword.ts';
import { rootTable } from './keywords/root.ts';
import type { Statement, Token } from './syntax-tree.ts';

/**
 * The first keyword that does not belong into its block and would belong into one around it: the block before it was
 * probably meant to be closed.
 */
export function findMisplacedKeyword(statements: readonly Statement[]): Token | undefined {
  return search(statements, [rootTable], (word, tables) => {
    const inner = tables.at(-1)!;
    return !inner.has(word.text) && tables.slice(0, -1).some((table) => table.has(word.text));
  });
}

/** The first keyword that opens a block and has none: its `{` was probably forgotten. */
export function findBlockWithoutBody(statements: readonly Statement[]): Token | undefined {
  return search(statements, [rootTable], (_word, _tables, keyword, statement) => {
    const opensBlock = keyword?.kind === 'block' || keyword?.kind === 'value-block';
    return opensBlock && statement.body === undefined;
  });
}

/** The keyword of the first statement that a test takes, in the order of the text. Only known blocks are entered. */
function search(
  statements: readonly Statement[],
  tables: readonly KeywordTable[],
  test: (word: Token, tables: readonly KeywordTable[], keyword: Keyword | undefined, statement: Statement) => boolean,
): Token | undefined {
  for (const statement of statements) {
    const word = statement.words[0];
    if (word === undefined) continue;
    const keyword = tables.at(-1)!.get(word.text);
    if (test(word, tables, keyword, statement)) return word;
    if (keyword?.table === undefined || statement.body === undefined) continue;
    const found = search(statement.body.statements, [...tables, keyword.table], test);
    if (found !== undefined) return found;
  }
  return undefined;
}
