// npm run bench: builds, then runs each benchmark of test/bench (or those whose names hold one of the arguments),
// one after the other.
import path from 'node:path';
import { bootstrap, dist, filesBelow, main, run, say } from './steps.mjs';

await main(async () => {
  await bootstrap();
  const folder = path.join(dist, 'test', 'bench');
  const wanted = process.argv.slice(2);
  const programs = filesBelow(folder)
    .filter((file) => path.dirname(file) === folder && file.endsWith('.js') && !file.endsWith('.test.js'))
    .filter((file) => wanted.length === 0 || wanted.some((name) => path.basename(file).includes(name)));
  if (programs.length === 0) {
    throw new Error(wanted.length === 0 ? 'there are no benchmarks' : `no benchmark is called ${wanted.join(' or ')}`);
  }
  let worst = 0;
  for (const program of programs) {
    say(`\n${path.basename(program, '.js')}`);
    worst = Math.max(worst, await run(process.execPath, ['--enable-source-maps', program]));
  }
  return worst;
});
