/** Says what is in effect where a keyword of keepalived is not carried out. The facts are in the keyword tables. */
import type { DiagnosticList } from './diagnostic-list.ts';
import type { Keyword } from './keywords/keyword.ts';
import type { Statement, Token } from './syntax-tree.ts';

/** Further places that one diagnostic lists. */
const maxRelated = 8;

/**
 * The keywords of one block that are not carried out. Those that fail for one reason (all that has to do with mail, say)
 * make one diagnostic, which points at the first and lists the others.
 */
export function reportUnsupported(
  found: readonly { readonly keyword: Keyword; readonly token: Token }[],
  diagnostics: DiagnosticList,
): void {
  if (found.length === 0) return;
  const groups = new Map<string, { keyword: Keyword; token: Token }[]>();
  for (const entry of found) {
    const key = `${entry.keyword.status} ${entry.keyword.feature ?? entry.keyword.name}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  for (const group of groups.values()) {
    const [{ keyword, token }, ...others] = group as [(typeof group)[number], ...typeof group];
    const listed = others.slice(0, maxRelated);
    const related = listed.map((other) => ({
      at: other.token,
      message: `the same holds for ${other.keyword.name}${
        other === listed.at(-1) && others.length > listed.length ? ` and ${others.length - listed.length} more` : ''
      }`,
    }));
    if (keyword.status === 'without-effect') {
      diagnostics.add('keyword-without-effect', 'info', token, {
        message: `${keyword.name} changes nothing`,
        inEffect: keyword.inEffect,
        related,
      });
    } else {
      diagnostics.add('keyword-not-supported', 'warning', token, {
        message: `${keyword.name} is not supported in this version`,
        inEffect: keyword.inEffect,
        related,
      });
    }
  }
}

/** A block that is skipped as a whole. */
export function reportUnsupportedBlock(keyword: Keyword, statement: Statement, diagnostics: DiagnosticList): void {
  const name = statement.words[1]?.text;
  const skipped = name === undefined ? 'the block is skipped' : `${keyword.name} ${name} is skipped`;
  diagnostics.add('keyword-not-supported', 'warning', statement.words[0]!, {
    message: `${keyword.name} is not supported in this version`,
    inEffect: keyword.inEffect === undefined ? skipped : `${skipped}; ${keyword.inEffect}`,
  });
}
