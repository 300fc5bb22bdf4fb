import { describe, expect, it } from '@jest/globals';
import { isFreeToChoose, readNewPerson } from '../../src/accounts/new-person.ts';
import { randomId } from '../../src/crypto/ids.ts';
import { localSource } from '../support/people.ts';

describe('a user name that somebody chooses', () => {
  it('is none that an operator gives, names somebody elsewhere, or looks like a sub', () => {
    const refused = ['admin', 'dora@example.com', 'acme\\dora', 'idp:dora', 'a/b'];
    for (let n = 0; n < 50; n += 1) refused.push(randomId(16).toLowerCase());
    expect(refused.filter(isFreeToChoose)).toEqual([]);
    expect(['dora', 'dora-the-second', 'd'.repeat(21), 'd'.repeat(23)].every(isFreeToChoose)).toBe(true);
  });

  it('is not the sub of somebody else, however it is written', () => {
    const username = randomId(16);
    const read = (typed: string) =>
      readNewPerson({ name: 'Dora', username: typed }, 'dora@example.com', [localSource]);
    for (const typed of [username, username.toUpperCase(), ` ${username}`])
      expect(read(typed)).toEqual({ ok: false, reason: 'username' });
    expect(read('Dora')).toEqual({ ok: true, name: 'Dora', username: 'Dora' });
  });
});
