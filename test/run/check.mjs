// npm run check: types and lint. Both run, so that one look shows all complaints.
import path from 'node:path';
import { compile, installPackages, main, root, run, say } from './steps.mjs';

await main(async () => {
  await installPackages();
  say('types (tsc)');
  const types = await compile(['--noEmit']);
  say('lint and format (biome)');
  const biome = path.join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
  const lint = await run(process.execPath, [biome, 'check', '--error-on-warnings', '.']);
  return types === 0 && lint === 0 ? 0 : 1;
});
