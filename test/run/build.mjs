// npm run build: npm packages when they are missing, then the compiler.
import { compile, installPackages, main, say } from './steps.mjs';

await main(async () => {
  await installPackages();
  say('compiling to dist/');
  return await compile();
});
