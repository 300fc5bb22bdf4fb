import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { createTimer } from '../../src/outbox/timer.ts';
import { eventually } from '../support/eventually.ts';

it('is due at each moment that it was set for, also at one after another', async () => {
  const startedAt = performance.now();
  const due: number[] = [];
  const timer = createTimer(() => due.push(performance.now() - startedAt));
  timer.setFor(150);
  timer.setFor(450);
  await eventually('twice due', () => due.length === 2, 5000);
  timer.stop();
  expect(due[0]).toBeGreaterThanOrEqual(150);
  expect(due[1]).toBeGreaterThanOrEqual(450);
});

it('is due at the latest after so long, and once if it is due before', async () => {
  let due = 0;
  const timer = createTimer(() => {
    due += 1;
  });
  timer.setAtLatest(200);
  timer.setAtLatest(200);
  timer.setAtLatest(400);
  await eventually('due', () => due === 1, 5000);
  await delay(400);
  timer.stop();
  expect(due).toBe(1);
});

it('is never due once it is stopped', async () => {
  let due = 0;
  const timer = createTimer(() => {
    due += 1;
  });
  timer.setFor(50);
  timer.stop();
  await delay(200);
  expect(due).toBe(0);
});
