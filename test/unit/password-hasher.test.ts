import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { hash as argon2 } from 'argon2';
import { hash as bcrypt } from 'bcrypt';
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

  it('takes one password as ligature, in wide letters and in pieces as one (NFKC)', async () => {
    const hasher = createPasswordHasher(light);
    const phc = await hasher.hash('acme', '\ufb01ne \uff37\uff49ne \uac00'.normalize('NFD'));
    const right = { isValid: true, needsRehash: false };
    expect(await hasher.verify('acme', phc, 'fine Wine \uac00')).toEqual(right);
    expect(await hasher.verify('acme', phc, 'fine wine \uac00')).toMatchObject({ isValid: false });
    // letters in pieces need three times as many bytes
    const whole = await hasher.hash('acme', '\uac01'.repeat(128));
    expect(await hasher.verify('acme', whole, '\uac01'.repeat(128).normalize('NFD'))).toEqual(right);
  });

  it('accepts a password of which a hash was made before, in NFC, and has it renewed', async () => {
    const hasher = createPasswordHasher(light);
    const before = await argon2('\ufb01ne words', { type: 2, memoryCost: 1024, timeCost: 2, parallelism: 1 });
    expect(await hasher.verify('acme', before, '\ufb01ne words')).toEqual({
      isValid: true,
      needsRehash: true,
    });
    expect(await hasher.verify('acme', before, 'fine wordz')).toMatchObject({ isValid: false });
  });

  it('accepts a password that other software has hashed with Argon2id as it was typed', async () => {
    const hasher = createPasswordHasher(light);
    const typed = 'Gr\u00fc\u00dfe\u00a0aus Wien'.normalize('NFD');
    const imported = await argon2(typed, { type: 2, memoryCost: 1024, timeCost: 2, parallelism: 1 });
    expect(await hasher.verify('acme', imported, typed)).toEqual({ isValid: true, needsRehash: true });
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
    const tries = Array.from({ length: 10 }, () => hasher.verifyDecoy('acme', 'guess'));
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    const [refused] = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'unavailable', retryAfterSeconds: expect.any(Number) });
  });
});

describe('a hash of other software', () => {
  const ssha = '{SSHA}dyR1Mq+iYbiZLE0umII53FDIb/W89vpr';

  it('is checked, and asks for one of ours', async () => {
    const hasher = createPasswordHasher(light);
    const right = { isValid: true, needsRehash: true };
    const wrong = { isValid: false, needsRehash: false };
    expect(await hasher.verify('acme', ssha, 'correct horse battery')).toEqual(right);
    expect(await hasher.verify('acme', ssha, 'correct horse batterz')).toEqual(wrong);
    const argon2i = '$argon2i$v=19$m=256,t=1,p=2$ez7/+Ekuf7icfusMOyro2g$rvemY4INF7lB/12G3ZLme4bpS2w';
    expect(await hasher.verify('acme', argon2i, 'Grüße aus Wien 2019')).toEqual(right);
  });

  it('may have been made of what was typed, in another Unicode spelling than ours', async () => {
    const hasher = createPasswordHasher(light);
    // passlib, of the decomposed text
    const ofDecomposed =
      '$pbkdf2-sha256$1000$qbW2VioFYIzRWkup1VprbQ$VbfKKD.IZl0vwF8PR6sKyPKh.yAAL0bWK3mlatLRDbU';
    // passlib, of the composed one
    const ofComposed =
      '$pbkdf2-sha256$1200$njNmbG3NWUvpHaNUivH.Xw$nV1hyMNgWgDmwIyiCDhe71ThLhqFcrIUoLxTaHrBZ/w';
    const typed = 'Grüße aus Wien 2019'.normalize('NFD');
    expect(await hasher.verify('acme', ofDecomposed, typed)).toMatchObject({ isValid: true });
    expect(await hasher.verify('acme', ofComposed, typed)).toMatchObject({ isValid: true });
  });

  it.each([
    ['100 bytes, typed with more behind', 'y'.repeat(100), `${'y'.repeat(100)}JUNK`, false],
    ['100 bytes, typed in full', 'y'.repeat(100), 'y'.repeat(100), false],
    ['100 bytes, of which 72 are typed', 'y'.repeat(100), 'y'.repeat(72), false],
    ['72 bytes, typed with one more', 'y'.repeat(72), 'y'.repeat(73), false],
    ['71 bytes', 'y'.repeat(71), 'y'.repeat(71), true],
    ['72 bytes in 36 characters', 'ü'.repeat(36), `${'ü'.repeat(36)}JUNK`, false],
  ])('of bcrypt is renewed only where bcrypt has read the password to its end: %s', async (...row) => {
    const [, password, typed, needsRehash] = row;
    const hasher = createPasswordHasher(light);
    const stored = await bcrypt(password, 4);
    expect(await hasher.verify('acme', stored, typed)).toEqual({ isValid: true, needsRehash });
    expect(await hasher.verify('acme', `bcrypt$${stored}`, typed)).toEqual({ isValid: true, needsRehash });
  });

  it('of bcrypt over SHA-256 is renewed, however long the password is', async () => {
    const hasher = createPasswordHasher(light);
    const digest = createHash('sha256').update('y'.repeat(100)).digest('hex');
    const stored = `bcrypt_sha256$${await bcrypt(digest, 4)}`;
    expect(await hasher.verify('acme', stored, 'y'.repeat(100))).toEqual({
      isValid: true,
      needsRehash: true,
    });
    expect(await hasher.verify('acme', stored, 'y'.repeat(101))).toMatchObject({ isValid: false });
  });

  it('does not show in the time, nor that the password was right', async () => {
    const hasher = createPasswordHasher({ ...owasp, iterations: 10 });
    const timeOf = async (work: () => Promise<unknown>): Promise<number> => {
      const startedAt = performance.now();
      await work();
      return performance.now() - startedAt;
    };
    await hasher.verifyDecoy('acme', 'guess');
    const nobody = await timeOf(() => hasher.verifyDecoy('acme', 'guess'));
    for (const password of ['guess', 'correct horse battery']) {
      const somebody = await timeOf(() => hasher.verify('acme', ssha, password));
      expect(somebody).toBeGreaterThan(nobody / 3);
    }
  });

  it('waits in the same queue', async () => {
    const hasher = createPasswordHasher({ ...light, concurrency: 1, queueLimit: 2 });
    const tries = Array.from({ length: 10 }, () => hasher.verify('acme', ssha, 'guess'));
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  it('is no wrong password when it cannot be checked', async () => {
    const hasher = createPasswordHasher(light);
    await expect(hasher.verify('acme', '{MD5}X03MO1qnZdYdgyfeuILPmQ==', 'guess')).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});
