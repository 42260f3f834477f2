/**
 * keepalived's own sample configurations. They are GPL and not part of this repository; without them beside it
 * (../shared/keepalived/samples) these tests skip themselves and say so.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { parseKeepalivedText, printSource } from '../../keepalived-compat/index.ts';

const folder = '../shared/keepalived/samples';
const expectedFile = 'test/data/samples.expected.json';

/** By sample: the number of virtual servers, then place, severity, code and what is in effect of each diagnostic. */
type Expected = Record<string, readonly [virtualServers: number, ...diagnostics: string[]]>;

function readSample(name: string): Expected[string] {
  const text = readFileSync(`${folder}/${name}`, 'utf8');
  const { config, diagnostics, tree } = parseKeepalivedText(text, name);
  expect(printSource(tree.files[0]!)).to.equal(text);
  const lines = diagnostics.map(
    ({ span, severity, code, inEffect }) => `${span?.line}:${span?.column} ${severity} ${code}: ${inEffect}`,
  );
  return [config.virtualServers.length, ...lines];
}

describe("keepalived's samples", () => {
  if (!existsSync(folder)) {
    it(`give exactly the expected diagnostics (skipped: there is no ${folder})`);
    return;
  }
  const names = readdirSync(folder).filter((name) => name.includes('keepalived.conf'));
  if (process.env.UPDATE_FIXTURES === '1') {
    const samples = Object.fromEntries(names.map((name) => [name, readSample(name)]));
    writeFileSync(expectedFile, `${JSON.stringify(samples, undefined, 2)}\n`);
  }
  const expected = JSON.parse(readFileSync(expectedFile, 'utf8')) as Expected;

  it('are all known', () => expect(Object.keys(expected).sort()).to.deep.equal(names.sort()));

  for (const name of names) {
    it(`${name} gives exactly the expected diagnostics and prints back unchanged`, () => {
      expect(readSample(name)).to.deep.equal(expected[name]);
    });
  }

  it('give no error: what keepalived itself complains about lies in parts that are not carried out', () => {
    const severe = Object.values(expected).flatMap(([, ...lines]) =>
      lines.filter((line) => !/ (warning|info) /.test(line)),
    );
    expect(severe).to.deep.equal([]);
  });
});
