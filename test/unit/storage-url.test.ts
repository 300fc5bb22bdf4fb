import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { hasDatabaseName, locationOf, requireStrongSettings } from '../../src/storage/mongodb/url.ts';
import { openStorage } from '../../src/storage/open-storage.ts';

const open = (url: string) => openStorage({ url, clock: { now: () => 0 }, log: pino({ enabled: false }) });

describe('the URL of the store', () => {
  it.each([
    ['w=1', 'w=majority'],
    ['w=0', 'w=majority'],
    ['w=2', 'w=majority'],
    ['W=1', 'w=majority'],
    ['journal=false', 'journal=true'],
    ['j=false', 'journal=true'],
    ['readPreference=secondary', 'readPreference=primary'],
    ['readPreference=primaryPreferred', 'readPreference=primary'],
    ['readConcernLevel=local', 'readConcernLevel=majority'],
    ['readConcernLevel=available', 'readConcernLevel=majority'],
    ['retryWrites=false', 'retryWrites=true'],
  ])('is refused with %s, naming %s instead', async (option, advice) => {
    for (const start of ['mongodb://user:secret@a,b:27018/x?', 'mongodb+srv://cluster.example/?tls=true&']) {
      const error = await open(`${start}${option}`).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining(advice) });
      expect(String(error)).not.toContain('secret');
    }
  });

  it('is taken with strong settings or none', () => {
    for (const query of [
      '',
      '?w=majority&journal=true&readPreference=primary',
      '?readConcernLevel=linearizable',
    ]) {
      expect(() => requireStrongSettings(`mongodb://a/x${query}`)).not.toThrow();
    }
  });

  it.each(['', 'postgres://a/b', './data', 'http://a'])(
    'is refused when it names no engine: %j',
    async (url) => {
      await expect(open(url)).rejects.toMatchObject({ code: 'invalid_request' });
    },
  );

  it.each([
    'mongodb://',
    'mongodb://user:secret-word@a/x?noSuchOption=1',
    'mongodb://user:secret-word@a:port/x',
  ])('is refused when MongoDB cannot read it, and not repeated: %s', async (url) => {
    const error = await open(url).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'invalid_request' });
    expect(String(error)).not.toContain('secret-word');
  });

  it('is shown to people without credentials', () => {
    expect(locationOf('mongodb://user:p%40ss@a:1,b:2/x?authSource=admin')).toBe('mongodb://a:1,b:2/x');
    expect(locationOf('mongodb://user:p@ss@a:1/x')).toBe('mongodb://a:1/x');
    expect(locationOf('mongodb+srv://cluster.example')).toBe('mongodb+srv://cluster.example');
  });

  it('may leave out the name of the database', () => {
    expect(hasDatabaseName('mongodb://a:1,b:2/x?y=z')).toBe(true);
    expect(hasDatabaseName('mongodb://a:1,b:2/?y=z')).toBe(false);
    expect(hasDatabaseName('mongodb://a')).toBe(false);
  });
});
