import { expect, it } from '@jest/globals';
import { derivedValue } from '../../src/server/derived-value.ts';

it('is made anew for another object, and for no other reason', () => {
  let source: ReadonlySet<string> = new Set(['a']);
  let made = 0;
  const value = derivedValue(
    () => source,
    (set) => {
      made += 1;
      return [...set].join();
    },
  );
  expect(made).toBe(0);
  expect([value(), value()]).toEqual(['a', 'a']);
  expect(made).toBe(1);
  source = new Set(['b']);
  expect([value(), value()]).toEqual(['b', 'b']);
  expect(made).toBe(2);
});

it('is asked for again when it could not be made', () => {
  const source = {};
  let isReady = false;
  const value = derivedValue(
    () => source,
    () => {
      if (!isReady) throw new Error('not ready');
      return 1;
    },
  );
  expect(value).toThrow('not ready');
  isReady = true;
  expect(value()).toBe(1);
});
