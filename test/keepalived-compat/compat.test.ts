/** Whole files: each test/compat/NAME.conf with the model and the rendered diagnostics that it must give. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { parseKeepalivedConf, printSource, readFromMemory } from '../../keepalived-compat/index.ts';
import { renderDiagnostic } from '../../lib/diagnostics/render.ts';

const folder = 'test/compat';

/** Two parts: the model, then what is reported. `UPDATE_FIXTURES=1` writes it; review the difference. */
function expectation(name: string, text: string): string {
  const file = `${name}.conf`;
  const { config, diagnostics, tree } = parseKeepalivedConf({
    file,
    read: readFromMemory({ [file]: text }),
    configId: 'blue',
  });
  expect(printSource(tree.files[0]!)).to.equal(text);
  const rendered = diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, { source: () => text }));
  return `${JSON.stringify(config, undefined, 1)}\n\n${rendered.join('\n\n')}\n`;
}

describe('whole configurations give the expected model and diagnostics:', () => {
  const names = readdirSync(folder).flatMap((file) => (file.endsWith('.conf') ? [file.slice(0, -5)] : []));
  for (const name of names) {
    it(name, () => {
      const actual = expectation(name, readFileSync(`${folder}/${name}.conf`, 'utf8'));
      const path = `${folder}/${name}.expected`;
      if (process.env.UPDATE_FIXTURES === '1') writeFileSync(path, actual);
      expect(actual).to.equal(readFileSync(path, 'utf8'));
    });
  }
});
