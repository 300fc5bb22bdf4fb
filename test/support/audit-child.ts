// A process that writes audit records and seals them without an end, for the tests of kill -9.
import { pino } from 'pino';
import { createAudit } from '../../src/audit/audit.ts';
import { createChainKeys } from '../../src/audit/chain/chain-keys.ts';
import { timeInId } from '../../src/audit/chain/chain-report.ts';
import { createChainSealer, settleMs } from '../../src/audit/chain/seal-chain.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { openStorage } from '../../src/storage/open-storage.ts';

const [url = '', secret = ''] = process.argv.slice(2);
let nowMs = Number(process.argv[4]);
const clock = { now: () => nowMs };
const log = pino({ enabled: false });
const { audit: records, auditChain: chain } = (
  await openStorage({ url, clock, log, role: 'worker' })
).forTenant('acme');
const audit = createAudit({ records, log, clock });
const sealer = createChainSealer({
  ...{ chain, keys: createChainKeys('acme', createMasterKey(secret)), clock, log },
});
let sealed = 0;
for (;;) {
  // machines whose clocks agree: a process that starts late does not write records of long ago
  const newest = await chain.last();
  nowMs = Math.max(nowMs, newest === undefined ? 0 : (timeInId(newest.recordId) ?? 0));
  for (let n = 0; n < 5; n += 1)
    await audit.note({ action: 'user.edit', outcome: 'success', actor: 'cli', object: `${n}` });
  nowMs += settleMs;
  sealed += await sealer.seal();
  process.stdout.write(`${sealed}\n`);
}
