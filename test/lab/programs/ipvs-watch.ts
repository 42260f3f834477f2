/** Looks at its name space's IPVS table every few milliseconds and tells its parent what changed, and when. */
import * as fs from 'node:fs';
import { parseTable, type SeenChange, type Table, tableChanges } from '../ipvs-proc.ts';
import { monotonicMs } from '../monotonic.ts';

export type WatchReport =
  | { readonly event: 'watching' }
  | { readonly event: 'changed'; readonly changes: SeenChange[] };

const intervalMs = Number(process.argv[2] ?? 3);
const file = fs.openSync('/proc/net/ip_vs', 'r');
let room = Buffer.alloc(1 << 16);
let seen = '';
let lookedAt = monotonicMs();
let table: Table = new Map();

function read(): string {
  let length = 0;
  for (;;) {
    // Reading at 0 makes the kernel write the table anew; further reads go on in it.
    const count = fs.readSync(file, room, length, room.length - length, length);
    if (count === 0) {
      return room.toString('latin1', 0, length);
    }
    length += count;
    if (length === room.length) {
      room = Buffer.concat([room], room.length * 2);
    }
  }
}

function look(): void {
  const after = lookedAt;
  lookedAt = monotonicMs();
  const text = read();
  const at = monotonicMs();
  // Connection counts change all the time, the rest seldom; parsing is dear beside comparing.
  if (text !== seen) {
    seen = text;
    const next = parseTable(text);
    const changes = tableChanges(table, next).map((change) => ({ ...change, at, after }));
    table = next;
    if (changes.length > 0) {
      process.send!({ event: 'changed', changes } satisfies WatchReport);
    }
  }
}

process.on('disconnect', () => process.exit(0));
look();
setInterval(look, intervalMs);
process.send!({ event: 'watching' } satisfies WatchReport);
