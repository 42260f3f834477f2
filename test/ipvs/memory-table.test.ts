import { MemoryTable } from '../../lib/ipvs/memory-table.ts';
import { ipvsTableContract } from './contract.ts';

ipvsTableContract('MemoryTable', async () => ({ table: new MemoryTable(), async cleanup() {} }));
