import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Keyword } from '../../keepalived-compat/keywords/keyword.ts';
import { allKeywords } from '../../keepalived-compat/keywords/root.ts';
import { nearest } from '../../keepalived-compat/nearest.ts';

/** The facts about keepalived 2.4.3 that the tables are held against. */
interface KnownKeyword {
  readonly path: string;
  readonly name: string;
  readonly kind: Keyword['kind'];
  readonly args: readonly { readonly type: string; readonly optional?: boolean; readonly values?: string[] }[];
  readonly range?: unknown;
  readonly aliasOf?: string;
  readonly deprecatedAliasOf?: string;
  readonly children?: readonly KnownKeyword[];
}

const facts = JSON.parse(readFileSync('test/data/keywords.json', 'utf8')) as { keywords: KnownKeyword[] };
const known = flatten(facts.keywords);
const ours = new Map(allKeywords().map(({ path, keyword }) => [path, keyword]));

function flatten(keywords: readonly KnownKeyword[]): KnownKeyword[] {
  return keywords.flatMap((keyword) => [keyword, ...flatten(keyword.children ?? [])]);
}

describe('the keyword tables', () => {
  it('hold the 531 keywords of keepalived 2.4.3 and no others', () => {
    expect(known).to.have.length(531);
    expect([...ours.keys()].sort()).to.deep.equal(known.map(({ path }) => path).sort());
  });

  it('agree on the kind of each keyword', () => {
    const kinds = known.map(({ path }) => [path, ours.get(path)?.kind]);
    expect(kinds).to.deep.equal(known.map(({ path, kind }) => [path, kind]));
  });

  it('agree on aliases and on old names', () => {
    for (const { path, aliasOf, deprecatedAliasOf } of known) {
      const keyword = ours.get(path);
      expect(keyword?.aliasOf, path).to.equal(aliasOf);
      expect(keyword?.replacedBy, path).to.equal(deprecatedAliasOf?.split('.').at(-1));
    }
  });

  it('agree on the words of settings and flags: how many, of what kind, and which may be left out', () => {
    for (const { path, kind, args } of known) {
      if (kind !== 'setting' && kind !== 'flag') continue;
      const keyword = ours.get(path)!;
      expect(keyword.args.length, path).to.equal(args.length);
      keyword.args.forEach((argument, index) => {
        const fact = args[index]!;
        expect(argument.optional === true, path).to.equal(fact.optional === true);
        const same: Record<string, string> = { uint: 'uint', ip: 'ip', bool: 'bool', 'decimal-seconds': 'seconds' };
        const type = same[fact.type];
        // A port is a number from 1 up, whichever way it is written.
        if (type !== undefined) expect(argument.type, path).to.equal(type);
        if (argument.type === 'enum' && fact.values !== undefined) {
          expect(argument.values, path).to.deep.equal(fact.values);
        }
      });
    }
  });

  it('agree on the range of each number', () => {
    for (const { path, range } of known) {
      const argument = ours.get(path)!.args.find(({ type }) => type === 'uint' || type === 'int' || type === 'seconds');
      if (!Array.isArray(range) || argument === undefined) continue;
      expect([argument.min, argument.max], path).to.deep.equal(range);
    }
  });

  it('say what is in effect for each keyword that a supported block may hold and that is not carried out', () => {
    const silent = [...ours].filter(([path, keyword]) => {
      const parent = ours.get(path.split('.').slice(0, -1).join('.'));
      const isReached = parent === undefined ? !path.includes('.') : parent.status === 'supported';
      const isChecker = parent?.name === 'real_server' && keyword.kind === 'block';
      return isReached && !isChecker && keyword.status !== 'supported' && keyword.inEffect === undefined;
    });
    expect(silent.map(([path]) => path)).to.deep.equal([]);
  });
});

describe('the nearest keyword', () => {
  const cases: [word: string, candidates: string[], result: string | undefined][] = [
    ['dealy_loop', ['delay_loop', 'lb_algo'], 'delay_loop'],
    ['real_servr', ['real_server', 'sorry_server'], 'real_server'],
    ['tcp_check', ['TCP_CHECK', 'HTTP_GET'], 'TCP_CHECK'],
    ['lb-kind', ['lb_algo', 'lb_kind'], 'lb_kind'],
    ['ab', ['ac'], undefined],
    ['something', ['else'], undefined],
    ['x'.repeat(10_000), ['x'.repeat(9_999)], undefined],
  ];
  for (const [word, candidates, result] of cases) {
    it(`to ${word.slice(0, 20)} is ${result}`, () => expect(nearest(word, candidates)).to.equal(result));
  }
});
