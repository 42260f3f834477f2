/**
 * Says when a TCP port goes up and down, until it is interrupted.
 *
 *     node tcp-checker.js 10.0.0.11 80
 */
import { TcpChecker } from 'ipvigil';

const [address = '127.0.0.1', port = '80', delayLoop = '1000'] = process.argv.slice(2);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());

const checker = new TcpChecker({
  address,
  port: Number(port),
  delayLoop: Number(delayLoop),
  delayBeforeRetry: Number(delayLoop) / 2,
  warmup: 0,
  retry: 1,
  signal: stop.signal,
});
checker.on('up', ({ cause }) => console.log(`up: ${cause.reason}`));
checker.on('down', ({ cause }) => console.log(`down: ${cause.reason} (${cause.times} in a row)`));
checker.start();
