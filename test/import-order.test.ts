import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { checkImports } from './support/import-order.ts';
import { findImports } from './support/import-statements.ts';
import { packageRoot } from './support/package-root.ts';

const root = packageRoot();

function sources(): string[] {
  return ['lib', 'daemon', 'keepalived-compat', 'examples', 'test']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => `${folder}/${name}`),
    );
}

describe('the order of imports', () => {
  it('is kept by every source file', () => {
    const files = sources();
    const violations = files.flatMap((file) => checkImports(file, readFileSync(join(root, file), 'utf8')));
    expect(files).to.include('lib/index.ts');
    expect(
      violations.map(({ file, line, specifier, rule }) => `${file}:${line} imports ${specifier}: ${rule}`),
    ).to.deep.equal([]);
  });

  it('is checked on every import that a source file has', () => {
    // Against a cruder search that cannot miss one: words and quotes on one line, comments included.
    for (const file of sources().filter((name) => !name.startsWith('test/'))) {
      const source = readFileSync(join(root, file), 'utf8');
      const crude = [...source.matchAll(/^(?:import|export|\}).* from '([^']+)';$/gm)].map(
        ([, specifier]) => specifier,
      );
      const found = findImports(source).flatMap(({ specifier, kind }) => (kind === 'static' ? [specifier] : []));
      expect(found, file).to.deep.equal(crude);
    }
  });

  const broken: readonly (readonly [name: string, file: string, source: string, rule: RegExp])[] = [
    [
      'a lower layer importing a higher one',
      'lib/model/a.ts',
      "import { b } from '../health/b.ts';",
      /never the other way/,
    ],
    ['a type from a higher layer', 'lib/time/a.ts', "import type { B } from '../model/b.ts';", /never the other way/],
    ['siblings', 'lib/health/a.ts', "import { b } from '../ipvs/b.ts';", /siblings/],
    ['netlink using ipvs', 'lib/netlink/a.ts', "import { b } from '../ipvs/b.ts';", /siblings/],
    ['siblings at the base', 'lib/address/a.ts', "import { b } from '../errors.ts';", /siblings/],
    ['io from the runtime', 'lib/runtime/a.ts', "import { b } from '../io/b.ts';", /only index\.ts/],
    ['io from the runtime, late', 'lib/runtime/a.ts', "const b = await import('../io/b.ts');", /only index\.ts/],
    ['a type from io', 'lib/health/a.ts', "let b: import('../io/b.ts').B;", /only index\.ts/],
    ['io passed on', 'lib/runtime/a.ts', "export * from '../io/b.ts';", /only index\.ts/],
    ['io using the runtime', 'lib/io/a.ts', "import { b } from '../runtime/b.ts';", /knows nothing/],
    ['a fake in production', 'lib/runtime/a.ts', "import { b } from '../testing/b.ts';", /fakes/],
    ['a fake in the library', 'lib/index.ts', "export * from './testing/index.ts';", /ipvigil\/testing/],
    ['the index inside lib', 'lib/runtime/a.ts', "import { b } from '../index.ts';", /for users/],
    ['lib using the daemon', 'lib/runtime/a.ts', "import { b } from '../../daemon/b.ts';", /lib never imports daemon/],
    [
      'lib using the parser',
      'lib/model/a.ts',
      "import { b } from '../../keepalived-compat/b.ts';",
      /lib never imports/,
    ],
    [
      'the parser using health',
      'keepalived-compat/a.ts',
      "import { b } from '../lib/health/b.ts';",
      /keepalived-compat uses/,
    ],
    [
      'the parser using errors',
      'keepalived-compat/a.ts',
      "import { b } from '../lib/errors.ts';",
      /keepalived-compat uses/,
    ],
    ['the parser reading files', 'keepalived-compat/a.ts', "import { readFileSync } from 'node:fs';", /opens or waits/],
    ['timers outside io', 'lib/runtime/a.ts', "import { setTimeout } from 'node:timers/promises';", /opens or waits/],
    ['a file outside io', 'lib/model/a.ts', "import {\n  readFileSync,\n} from 'node:fs';", /opens or waits/],
    ['node:os elsewhere', 'lib/model/a.ts', "import { hostname } from 'node:os';", /allowed where/],
    ['tests in production', 'daemon/a.ts', "import { b } from '../test/b.ts';", /never imports test/],
    ['a package out of place', 'lib/health/a.ts', "import koffi from 'koffi';", /koffi is allowed/],
    ['an unknown package', 'lib/health/a.ts', "import { b } from 'left-pad';", /no place/],
    ['a required package', 'lib/health/a.ts', "createRequire(import.meta.url)('koffi');", /koffi is allowed/],
    ['an import worked out', 'lib/health/a.ts', 'await import(name);', /names its module/],
    ['a part without a place', 'lib/bfd/a.ts', "import { b } from '../model/b.ts';", /no place in the order/],
    ['a built file', 'lib/health/a.ts', "import { b } from './b.js';", /end in \.ts/],
    ['a way out of the package', 'lib/health/a.ts', "import { b } from '../../../b.ts';", /never imports \.\./],
    ['an example that reaches inside', 'examples/a.ts', "import { b } from '../lib/index.ts';", /by its name/],
  ];
  for (const [name, file, source, rule] of broken) {
    it(`refuses ${name}`, () => {
      const violations = checkImports(file, source);
      expect(violations).to.have.length(1);
      expect(violations[0]!.rule).to.match(rule);
      expect(violations[0]!.file).to.equal(file);
    });
  }

  const kept: readonly (readonly [name: string, file: string, source: string])[] = [
    ['ipvs using netlink', 'lib/ipvs/a.ts', "import { b } from '../netlink/b.ts';"],
    [
      'the runtime using everything before it',
      'lib/runtime/a.ts',
      "import a from '../director/a.ts';\nimport b from '../time/b.ts';",
    ],
    ['the index using io', 'lib/index.ts', "import { b } from './io/b.ts';"],
    ['io using node', 'lib/io/a.ts', "import { readFileSync } from 'node:fs';"],
    ['the daemon using io', 'daemon/a.ts', "import { b } from '../lib/io/b.ts';"],
    ['the parser using paths as text', 'keepalived-compat/a.ts', "import { posix } from 'node:path';"],
    ['tests using what they like', 'test/a.test.ts', "import { b } from '../lib/io/b.ts';\nawait import(name);"],
  ];
  for (const [name, file, source] of kept) {
    it(`allows ${name}`, () => {
      expect(checkImports(file, source)).to.deep.equal([]);
    });
  }
});

describe('findImports', () => {
  const specifiers = (source: string): (string | undefined)[] => findImports(source).map(({ specifier }) => specifier);

  it('finds each form of import', () => {
    const source = [
      "import 'side-effect';",
      "import one, { type two, three as four } from 'static';",
      "import type { Five } from 'types';",
      "import * as six from 'namespace';",
      "import seven = require('required');",
      "export { eight } from 're-exported';",
      "export type { Nine } from 're-exported-type';",
      "export * as ten from 're-exported-all';",
      "const eleven = await import('dynamic');",
      "let twelve: import('type-position').Twelve;",
      'const thirteen = import(`template`);',
      "const fourteen = import('with-attributes', { with: { type: 'json' } });",
    ].join('\n');
    expect(specifiers(source)).to.deep.equal([
      ...['side-effect', 'static', 'types', 'namespace', 'required', 're-exported', 're-exported-type'],
      ...['re-exported-all', 'dynamic', 'type-position', 'template', 'with-attributes'],
    ]);
    expect(findImports(source).map(({ line }) => line)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('is not taken in by comments, strings, templates, regular expressions and properties', () => {
    const source = [
      "// import 'a';",
      "/* import 'b'; */ const c = \"import 'c'\";",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the input
      "const d = `import 'd' ${`import('e') ${1}`} from 'f'`;",
      "const g = /import 'g' from \"/.test(c) ? /['\"`]/ : 4 / 2; const h = 1 / 2; // '",
      "object.import('i'); const j = { import: 'j' }; import.meta.url;",
      'export type K = string; export const l = "m"; export { n };',
      "const o = 'from'; export type P = { from: 'q' };",
    ].join('\n');
    expect(specifiers(source)).to.deep.equal([]);
  });

  it('finds an import inside a template', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the input
    expect(specifiers("`a ${ { b: await import('c') }.b } d`; import 'e';")).to.deep.equal(['c', 'e']);
  });
});
