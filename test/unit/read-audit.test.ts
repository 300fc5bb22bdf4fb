import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eachAuditRecord, followAudit } from '../../src/audit/read-audit.ts';
import { openPeople, type People } from '../support/people.ts';

let people: People;
beforeEach(async () => {
  people = await openPeople();
});
afterEach(() => people.close());

const append = (id: string, at: number) =>
  people.tenant('acme').audit.append({ id, at, action: 'user.edit', outcome: 'success', actor: 'cli' });
const chain = () => people.tenant('acme').auditChain;

it('reads the records of a time, the oldest first, over many pages', async () => {
  for (let n = 0; n < 1_200; n += 1) await append(`${n}`.padStart(4, '0'), Math.floor(n / 2));
  const found: string[] = [];
  for await (const { record } of eachAuditRecord(chain(), { fromMs: 10, untilMs: 559 }))
    found.push(record.id);
  expect(found).toEqual(Array.from({ length: 1_100 }, (_, n) => `${n + 20}`.padStart(4, '0')));
});

it('follows the record: each once, those that come late as well', async () => {
  await append('old', 1_000_000);
  await append('known', 2_000_000);
  const rounds = [
    () => append('c', 2_000_500),
    () => append('b', 2_000_400),
    () => append('d', 2_100_000),
    async () => {},
  ];
  const known = (await people.tenant('acme').audit.list({ limit: 1 }))[0];
  const found: string[] = [];
  const pause = async () => {
    const round = rounds.shift();
    await round?.();
    return round !== undefined;
  };
  const shown = known === undefined ? [] : [known];
  for await (const { record } of followAudit(chain(), { fromMs: 2_000_000, shown, pause }))
    found.push(record.id);
  expect(found).toEqual(['c', 'b', 'd']);
});
