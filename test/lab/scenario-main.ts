/** The process that runs one scenario: waits for its order, loads the module, reports what `run` gave, ends. */
import * as fs from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Outcome, ScenarioOrder, ScenarioReport } from './protocol.ts';
import type { Scenario, ScenarioContext } from './scenario.ts';

function send(report: ScenarioReport, sent: () => void = () => undefined): void {
  process.send!(report, sent);
}

async function outcomeOf(order: ScenarioOrder): Promise<Outcome> {
  try {
    const scratch = '/run/scenario';
    fs.mkdirSync(scratch, { recursive: true });
    // An ordinary user's guest cannot write to /root: the host does not let it.
    process.env.HOME = scratch;
    const context: ScenarioContext = {
      scratch,
      tell: (message) => send({ event: 'told', message }),
      log: (line) => console.log(line),
    };
    const module = (await import(pathToFileURL(order.scenario).href)) as { run?: Scenario<unknown, unknown> };
    if (module.run === undefined) {
      throw new Error(`${order.scenario} exports no function run`);
    }
    return { kind: 'returned', result: (await module.run(context, order.args)) ?? null };
  } catch (error) {
    return error instanceof Error
      ? { kind: 'threw', message: error.message, stack: error.stack ?? '' }
      : { kind: 'threw', message: String(error), stack: '' };
  }
}

process.once('message', (order: ScenarioOrder) => {
  outcomeOf(order).then((outcome) => send({ event: 'done', outcome }, () => process.exit(0)));
});
// Without its agent nobody would read the result.
process.once('disconnect', () => process.exit(1));
send({ event: 'waiting' });
