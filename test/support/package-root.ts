import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of package.json: tests run from dist/, and read sources and start built programs from here. */
export function packageRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no package.json above ${import.meta.dirname}`);
    folder = parent;
  }
  return folder;
}
