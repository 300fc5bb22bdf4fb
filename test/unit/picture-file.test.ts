import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { createPictureRewriter, loadPictureLibrary } from '../../src/accounts/picture-file.ts';

describe('the library that reads pictures', () => {
  it('is loaded again for the next picture when it could not be loaded', async () => {
    const failures = [new Error('too many open files')];
    const rewrite = createPictureRewriter(async () => {
      const failure = failures.pop();
      if (failure !== undefined) throw failure;
      return loadPictureLibrary();
    });
    const create = { width: 9, height: 9, channels: 3, background: '#c00000' } as const;
    const file = await sharp({ create }).png().toBuffer();
    await expect(rewrite('acme', file)).rejects.toThrow('too many open files');
    expect(await sharp(await rewrite('acme', file)).metadata()).toMatchObject({ format: 'jpeg' });
  });
});
