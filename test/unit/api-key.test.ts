import { describe, expect, it } from '@jest/globals';
import { apiKeyPattern, halvesOf, newApiKey, readApiKey, writeApiKey } from '../../src/crypto/api-key.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-';

describe('an API key', () => {
  it('is read back, and found by the documented pattern', () => {
    for (let n = 0; n < 200; n += 1) {
      const parts = newApiKey();
      const written = writeApiKey(parts);
      expect(readApiKey(written)).toEqual(parts);
      expect(new RegExp(`\\b${apiKeyPattern}\\b`).exec(`KEY="${written}";`)?.[0]).toBe(written);
    }
  });

  it('is unlike every other one', () => {
    const made = Array.from({ length: 1000 }, newApiKey);
    expect(new Set(made.map(({ publicId }) => publicId)).size).toBe(1000);
    expect(new Set(made.map(({ secret }) => secret)).size).toBe(1000);
  });

  it('is no key with any one character changed, left out, doubled or swapped', () => {
    const written = writeApiKey(newApiKey());
    for (let at = 0; at < written.length; at += 1) {
      const [before, here, after] = [written.slice(0, at), written[at] ?? '', written.slice(at + 1)];
      const others = [...alphabet].filter((other) => other !== here).map((other) => before + other + after);
      for (const typed of [...others, before + after, before + here + here + after])
        expect(readApiKey(typed)).toBeUndefined();
      const next = after.slice(0, 1);
      if (next !== '' && next !== here)
        expect(readApiKey(before + next + here + after.slice(1))).toBeUndefined();
    }
  });

  it('is the same in two halves', () => {
    const parts = newApiKey();
    const { key, secret } = halvesOf(parts);
    expect(`${key}_${secret}`).toBe(writeApiKey(parts));
    expect(key).toBe(`db_${parts.publicId}`);
  });
});
