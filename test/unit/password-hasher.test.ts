import { describe, expect, it } from '@jest/globals';
import { createPasswordHasher, preparePassword } from '../../src/crypto/password-hasher.ts';

const owasp = { memoryKiB: 19_456, iterations: 2, parallelism: 1, concurrency: 2, queueLimit: 16 };
const light = { ...owasp, memoryKiB: 1024, iterations: 2 };

describe('the password hasher', () => {
  it('knows the right password from a wrong one', async () => {
    const hasher = createPasswordHasher(owasp);
    const phc = await hasher.hash('acme', 'correct horse battery');
    expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await hasher.verify('acme', phc, 'correct horse battery')).toEqual({
      isValid: true,
      needsRehash: false,
    });
    expect(await hasher.verify('acme', phc, 'correct horse batterz')).toEqual({
      isValid: false,
      needsRehash: false,
    });
  });

  it('asks for a new hash when the parameters have risen, and only then', async () => {
    const phc = await createPasswordHasher(light).hash('acme', 'secret words');
    const risen = [
      { ...light, memoryKiB: 2048 },
      { ...light, iterations: 3 },
    ];
    for (const parameters of risen) {
      const verdict = await createPasswordHasher(parameters).verify('acme', phc, 'secret words');
      expect(verdict).toEqual({ isValid: true, needsRehash: true });
    }
    const fallen = createPasswordHasher({ ...light, memoryKiB: 512, iterations: 1 });
    expect(await fallen.verify('acme', phc, 'secret words')).toEqual({ isValid: true, needsRehash: false });
  });

  it('takes one password in two Unicode spellings as one', async () => {
    const hasher = createPasswordHasher(light);
    const phc = await hasher.hash('acme', 'Gr\u00fc\u00dfe\u00a0aus Wien');
    expect(await hasher.verify('acme', phc, 'Gru\u0308\u00dfe aus Wien')).toMatchObject({ isValid: true });
    expect(await hasher.verify('acme', phc, 'gr\u00fc\u00dfe aus Wien')).toMatchObject({ isValid: false });
  });

  it.each([
    ['empty', ''],
    ['longer than 1024 bytes', 'ä'.repeat(513)],
    ['with NUL', 'secret\0words'],
    ['with a line break', 'secret\nwords'],
  ])('refuses a password that is %s', async (_name, password) => {
    const hasher = createPasswordHasher(light);
    expect(preparePassword(password)).toBeUndefined();
    await expect(hasher.hash('acme', password)).rejects.toMatchObject({ code: 'invalid_request' });
    const phc = await hasher.hash('acme', 'secret words');
    expect(await hasher.verify('acme', phc, password)).toMatchObject({ isValid: false });
  });

  it('accepts exactly 1024 bytes', async () => {
    const hasher = createPasswordHasher(light);
    const phc = await hasher.hash('acme', 'x'.repeat(1024));
    expect(await hasher.verify('acme', phc, 'x'.repeat(1024))).toMatchObject({ isValid: true });
    expect(await hasher.verify('acme', phc, 'x'.repeat(1023))).toMatchObject({ isValid: false });
  });

  it('counts a comparison with nothing against the same queue', async () => {
    const hasher = createPasswordHasher({ ...light, concurrency: 1, queueLimit: 2 });
    const tries = Array.from({ length: 10 }, () => hasher.verifyNothing('acme', 'guess'));
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    const [refused] = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'unavailable', retryAfterSeconds: expect.any(Number) });
  });
});
