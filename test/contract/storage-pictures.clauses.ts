import { describe, expect, it } from '@jest/globals';
import { longestPicture } from '../../src/storage/storage-pictures.ts';
import type { GetBench } from './storage.contract.ts';
import { picture } from './storage-samples.ts';

export const pictureClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme').pictures;
  const elsewhere = () => bench().second.forTenant('acme').pictures;

  describe('pictures', () => {
    it('are one of each account, the newest', async () => {
      expect(await open().find('alice')).toBeUndefined();
      await open().put(picture());
      await open().put(picture({ sub: 'bob', id: 'of-bob' }));
      expect(await elsewhere().find('alice')).toEqual(picture());
      const newer = picture({ id: 'newer', data: 'a'.repeat(longestPicture) });
      await elsewhere().put(newer);
      expect(await open().find('alice')).toEqual(newer);
      expect(await open().find('bob')).toMatchObject({ id: 'of-bob' });
      expect(await bench().first.forTenant('zeta').pictures.find('alice')).toBeUndefined();
    });

    it('are removed once', async () => {
      await open().put(picture());
      expect(await elsewhere().remove('alice')).toBe(true);
      expect(await open().remove('alice')).toBe(false);
      expect(await open().find('alice')).toBeUndefined();
    });

    it('are refused when they are too long', async () => {
      const long = picture({ data: 'a'.repeat(longestPicture + 1) });
      await expect(open().put(long)).rejects.toThrow('too long');
      expect(await open().find('alice')).toBeUndefined();
    });
  });
};
