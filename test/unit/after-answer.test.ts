import { describe, expect, it } from '@jest/globals';
import { createAfterAnswer } from '../../src/accounts/after-answer.ts';
import { createLog } from '../../src/log.ts';

const openRun = () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info' }, { write: (line) => void lines.push(line) });
  return { ...createAfterAnswer(log), lines };
};
/** Work that is under way until it is let go. */
const waiting = () => {
  let letGo = (): void => {};
  const until = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  return { until, letGo };
};

describe('work after an answer', () => {
  it('begins later than all that the answer does at once', async () => {
    const { forTenant, idle } = openRun();
    const order: string[] = [];
    forTenant('acme')({ what: 'mail', work: async () => void order.push('work') });
    await Promise.resolve().then(() => order.push('answer'));
    await idle();
    expect(order).toEqual(['answer', 'work']);
  });

  it('is waited for, with work that comes meanwhile', async () => {
    const { forTenant, idle } = openRun();
    const run = forTenant('acme');
    const done: string[] = [];
    const more = async () => void done.push('second');
    const work = async () => {
      run({ what: 'mail', work: more });
      done.push('first');
    };
    run({ what: 'mail', work });
    await idle();
    expect(done).toEqual(['first', 'second']);
  });

  it('is logged when it fails, and nobody else hears of it', async () => {
    const { forTenant, idle, lines } = openRun();
    const work = () => Promise.reject(new Error('the store is away'));
    forTenant('acme')({ what: 'mail with a code', requestId: 'r1', work });
    await idle();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { tenant: 'acme', what: 'mail with a code', requestId: 'r1', err: { message: 'the store is away' } },
    ]);
  });

  it('is left out beyond fifty tasks of one tenant, and goes on for others', async () => {
    const { forTenant, idle, lines } = openRun();
    const { until, letGo } = waiting();
    const begun: string[] = [];
    const taskOf = (tenant: string) => ({
      what: 'mail',
      work: async () => {
        begun.push(tenant);
        await until;
      },
    });
    for (let count = 0; count < 51; count += 1) forTenant('acme')(taskOf('acme'));
    forTenant('globex')(taskOf('globex'));
    letGo();
    await idle();
    expect(begun.filter((tenant) => tenant === 'acme')).toHaveLength(50);
    expect(begun).toContain('globex');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ tenant: 'acme', what: 'mail' }]);

    forTenant('acme')(taskOf('again'));
    await idle();
    expect(begun).toContain('again');
  });
});
