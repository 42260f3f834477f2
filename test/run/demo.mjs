// npm run demo: fetches and builds whatever is missing, then runs the compiled demonstration with the same arguments.
import fs from 'node:fs';
import path from 'node:path';
import { bootstrap, dist, main, run, say } from './steps.mjs';

await main(async () => {
  const program = path.join(dist, 'test', 'lab', 'demo.js');
  if (!fs.existsSync(program)) {
    say('preparing: npm packages and compilation');
  }
  await bootstrap();
  return await run(process.execPath, ['--enable-source-maps', program, ...process.argv.slice(2)], { stdio: 'inherit' });
});
