/** All lints, and running them over a configuration that has been read. */
import type { DiagnosticCode, LintCode } from '../../lib/diagnostics/codes.ts';
import type { Diagnostic } from '../../lib/diagnostics/diagnostic.ts';
import type { DirectorConfig } from '../../lib/model/virtual-server.ts';
import { DiagnosticList } from '../diagnostic-list.ts';
import type { SyntaxTree } from '../syntax-tree.ts';
import { coverageLints } from './coverage.ts';
import { httpLints } from './http.ts';
import type { Finding, Lint } from './lint.ts';
import { poolLints } from './pool.ts';
import { timingLints } from './timing.ts';
import { type VirtualServerView, viewServices } from './view.ts';

export const lints: ReadonlyMap<LintCode, Lint> = new Map(
  [...coverageLints, ...timingLints, ...httpLints, ...poolLints].map((lint) => [lint.code, lint] as const),
);

/** Further places that one diagnostic lists. */
const maxRelated = 8;

/** What the lints find, in the order of the text. Those of `allowed` are not run. */
export function runLints(
  { config, tree }: { readonly config: DirectorConfig; readonly tree: SyntaxTree },
  allowed: ReadonlySet<DiagnosticCode> = new Set(),
): Diagnostic[] {
  const diagnostics = new DiagnosticList();
  const active = [...lints.values()].filter(({ code }) => !allowed.has(code));
  for (const service of viewServices(config, tree)) {
    for (const lint of active) runLint(lint, service, diagnostics);
  }
  return diagnostics.sorted(tree.files);
}

/** A pool of a hundred servers that all lack the same thing makes one diagnostic. */
function runLint({ code, severity, find }: Lint, service: VirtualServerView, diagnostics: DiagnosticList): void {
  const byMessage = new Map<string, Finding[]>();
  for (const finding of find(service)) {
    const same = byMessage.get(finding.message);
    if (same === undefined) byMessage.set(finding.message, [finding]);
    else same.push(finding);
  }
  for (const [first, ...others] of byMessage.values()) {
    const { at, related = [], ...text } = first!;
    // Of a setting that several servers inherit there is only one place.
    const seen = new Set([placeKey(first!)]);
    const places = others.filter((other) => !seen.has(placeKey(other)) && seen.add(placeKey(other)));
    const listed = places.slice(0, maxRelated);
    const left = places.length - listed.length;
    diagnostics.add(code, severity, at, {
      ...text,
      related: [
        ...related,
        ...listed.map((other, index) => ({
          at: other.at,
          message: `here as well${left > 0 && index === listed.length - 1 ? `, and in ${left} more places` : ''}`,
        })),
      ],
    });
  }
}

function placeKey({ at }: Finding): string {
  const place = Array.isArray(at) ? at[0] : at;
  return 'kind' in place ? `${place.line.file.path} ${place.start}` : `${place.file} ${place.start}`;
}
