/** The exit status of a configuration test, as keepalived -t gives it. */
import type { Diagnostic } from '../lib/diagnostics/diagnostic.ts';

/**
 * - 0: nothing reported (what is only worth knowing does not count)
 * - 4: only problems with files, or a configuration that cannot be used at all
 * - 5: an ordinary error or warning
 * - 6: a security problem, or a checked include that failed
 *
 * The highest of those that apply decides, so an ordinary error hides an unreadable file.
 *
 * Differs: keepalived ends with 2 at the first keyword that lacks a word. Here the test goes on, and gives 5.
 */
export function configTestStatus(diagnostics: readonly Pick<Diagnostic, 'code' | 'severity'>[]): 0 | 4 | 5 | 6 {
  let status: 0 | 4 | 5 | 6 = 0;
  for (const diagnostic of diagnostics) {
    const own = statusOf(diagnostic);
    if (own > status) status = own;
  }
  return status;
}

function statusOf({ code, severity }: Pick<Diagnostic, 'code' | 'severity'>): 0 | 4 | 5 | 6 {
  if (severity === 'security' || code === 'include-failed') return 6;
  if (severity === 'fatal' || code === 'include-missing' || code === 'include-skipped') return 4;
  return severity === 'info' ? 0 : 5;
}
