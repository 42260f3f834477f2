/**
 * Makes the kernel balance port 80 of 192.0.2.1 over two real servers, shows the commands that this takes and the table
 * that it gives. Services that are not named here stay as they are. Needs root and the ip_vs module; with `--dry-run` it
 * works on a table in memory.
 *
 *     node ipvs-table.js --dry-run
 */
import { formatTable, type IpvsTable, ipAddress, MemoryTable, openIpvs, planTable, type Service } from 'ipvigil';

const webServer = { port: 80, weight: 1, forwarding: 'nat', uthreshold: 0, lthreshold: 0 } as const;
const web: Service = {
  address: ipAddress('192.0.2.1'),
  port: 80,
  protocol: 'tcp',
  scheduler: 'wlc',
  persistenceTimeoutS: 0,
  onePacket: false,
  destinations: [
    { ...webServer, address: ipAddress('10.0.0.11') },
    { ...webServer, address: ipAddress('10.0.0.12'), weight: 2 },
  ],
};

const kernel = process.argv.includes('--dry-run') ? undefined : await openIpvs();
const table: IpvsTable = kernel ?? new MemoryTable();
try {
  const commands = planTable([web], await table.read(), new Set());
  for (const { command, error } of await table.apply(commands)) {
    console.log(error === undefined ? `${command.kind} done` : error.message);
    if (error !== undefined) process.exitCode = 1;
  }
  const info = (await kernel?.info()) ?? { version: '(none)', connectionTableSize: 0 };
  process.stdout.write(formatTable(await table.read(), { info }));
  const left = planTable([web], await table.read(), new Set());
  console.log(`${left.length} commands left to do`);
} finally {
  table.close();
}
