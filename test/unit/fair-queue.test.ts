import { describe, expect, it } from '@jest/globals';
import { createFairQueue } from '../../src/crypto/fair-queue.ts';

/** Tasks that end when the test says so, and the order in which they began. */
const stage = () => {
  const began: string[] = [];
  const ends: (() => void)[] = [];
  return {
    began,
    task: (name: string) => () => {
      began.push(name);
      return new Promise<string>((resolve) => ends.push(() => resolve(name)));
    },
    /** Ends what runs, again and again, until nothing has begun any more. */
    finishAll: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      for (let end = ends.shift(); end !== undefined; end = ends.shift()) {
        end();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
};

const namesOf = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

describe('the fair queue', () => {
  it('runs no more at once than allowed', async () => {
    const queue = createFairQueue({ concurrency: 3, queueLimit: 10 });
    const { began, task, finishAll } = stage();
    const all = namesOf('a', 8).map((name) => queue.run('a', task(name)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(began).toHaveLength(3);
    await finishAll();
    expect(await Promise.all(all)).toEqual(namesOf('a', 8));
  });

  it('lets tenants take turns, however long the line of one is', async () => {
    const queue = createFairQueue({ concurrency: 1, queueLimit: 100 });
    const { began, task, finishAll } = stage();
    const all = [
      ...namesOf('a', 20).map((name) => queue.run('a', task(name))),
      ...namesOf('b', 2).map((name) => queue.run('b', task(name))),
      ...namesOf('c', 2).map((name) => queue.run('c', task(name))),
    ];
    await finishAll();
    await Promise.all(all);
    expect(began.slice(0, 7)).toEqual(['a0', 'a1', 'b0', 'c0', 'a2', 'b1', 'c1']);
  });

  it('refuses what does not fit and says when to come again', async () => {
    const queue = createFairQueue({ concurrency: 1, queueLimit: 2 });
    const { task, finishAll } = stage();
    const all = namesOf('a', 4).map((name) => queue.run('a', task(name)));
    const outcomes = Promise.allSettled(all);
    await expect(all[3]).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 2 });
    await finishAll();
    expect((await outcomes).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
  });

  it('keeps a place for a tenant when another has filled the queue', async () => {
    const queue = createFairQueue({ concurrency: 1, queueLimit: 8 });
    const { task, finishAll } = stage();
    const flood = Promise.allSettled(namesOf('a', 50).map((name) => queue.run('a', task(name))));
    const others = Promise.allSettled(namesOf('b', 3).map((name) => queue.run('b', task(name))));
    await finishAll();
    expect((await others).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect((await flood).filter(({ status }) => status === 'fulfilled')).toHaveLength(1 + 5);
  });

  it('continues after a task has failed', async () => {
    const queue = createFairQueue({ concurrency: 1, queueLimit: 2 });
    await expect(queue.run('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await queue.run('a', () => Promise.resolve('fine'))).toBe('fine');
  });
});
