import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { allKeywords } from '../../keepalived-compat/keywords/root.ts';
import { compatibilityPage, deviationsOf, findDeviations } from '../support/compatibility-page.ts';
import { packageRoot } from '../support/package-root.ts';

const root = packageRoot();
const page = join(root, 'docs/compatibility.md');

describe('docs/compatibility.md', () => {
  it('is what the keyword tables and the sources say (UPDATE_DOCS=1 writes it)', () => {
    if (process.env.UPDATE_DOCS === '1') writeFileSync(page, compatibilityPage(root));
    expect(readFileSync(page, 'utf8')).to.equal(compatibilityPage(root));
  });

  it('has one row for every keyword', () => {
    const rows = [...compatibilityPage(root).matchAll(/^\| `([\w.-]+)`/gm)].map(([, path]) => path);
    expect(rows.sort()).to.deep.equal(
      allKeywords()
        .map(({ path }) => path)
        .sort(),
    );
  });

  it('has as many cells in each row of a table as in its head', () => {
    let columns = 0;
    for (const line of compatibilityPage(root).split('\n')) {
      if (!line.startsWith('|')) columns = 0;
      else {
        const cells = line.replaceAll('\\|', '').split('|').length;
        if (columns === 0) columns = cells;
        expect(cells, line).to.equal(columns);
      }
    }
  });

  it('lists every deviation that a source comment marks', () => {
    const marks = findDeviations(root);
    expect(marks.length).to.be.greaterThan(8);
    for (const { text } of marks) expect(text).to.match(/[.]$/);
  });
});

describe('a comment marked Differs', () => {
  it('gives its paragraph and the sentences before it', () => {
    const source = "import 'x';\n/**\n * Reads it.\n * Differs: keepalived\n * does not.\n *\n * More.\n */\n";
    expect(deviationsOf('a.ts', source)).to.deep.equal([
      { file: 'a.ts', code: undefined, context: 'Reads it.', text: 'keepalived does not.' },
    ]);
  });

  it('is found in comments of single lines, with the diagnostic behind them', () => {
    const source = "f();\n  // Differs: keepalived\n  // stops.\n  diagnostics.add('x-y', 'error');\n  // Other.\n";
    expect(deviationsOf('a.ts', source)).to.deep.equal([
      { file: 'a.ts', code: 'x-y', context: '', text: 'keepalived stops.' },
    ]);
  });

  it('at the head of a file stands without the essay', () => {
    expect(deviationsOf('a.ts', '/**\n * Essay.\n *\n * Differs: so.\n */\n')).to.deep.equal([
      { file: 'a.ts', code: undefined, context: '', text: 'so.' },
    ]);
  });

  it('is not a comment that only speaks of the mark', () => {
    expect(deviationsOf('a.ts', '/** A deviation is marked `Differs:` where it happens. */\n')).to.deep.equal([]);
  });
});
