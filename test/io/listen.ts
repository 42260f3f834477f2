/** listen(2), which the library has no use for: it never accepts connections on descriptors of its own. */
import { createRequire } from 'node:module';

export function listen(fd: number, backlog: number): void {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const call = koffi.load(null).func('int listen(int, int)');
  if (call(fd, backlog) < 0) throw new Error(`listen: errno ${koffi.errno()}`);
}
