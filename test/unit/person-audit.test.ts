import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createPersonAudit } from '../../src/audit/person-audit.ts';
import { openPeople, type People } from '../support/people.ts';
import { createScriptedSource } from '../support/scripted-source.ts';

let people: People;
beforeEach(async () => {
  people = await openPeople();
});
afterEach(() => people.close());

const actionsOf = async (sub: string) =>
  (await createPersonAudit(people.tenant('acme').audit).list({ sub, limit: 50 })).map(
    ({ action, by }) => `${action} by ${by}`,
  );

describe('what was done with an account', () => {
  it.each([
    ['no longer knows the person', 'account_disabled', 'account.source_gone'],
    ['has locked the person', 'account_locked', 'account.source_locked'],
  ] as const)('is by the source that %s, and by no administrator', async (_what, refusal, action) => {
    const corp = createScriptedSource('corp');
    const alice = { subject: 'a-1', password: 'pw', username: 'alice' };
    corp.people.set('alice', alice);
    const accounts = people.accountsOf([corp.connector]);
    const admitted = await accounts.admit(await corp.identityOf('alice'), {
      address: '192.0.2.1',
      via: 'upstream',
    });
    if (!admitted.ok) throw new Error(admitted.reason);
    corp.people.set('alice', { ...alice, refusal });
    await accounts.recheck(admitted.account, 'always');
    expect(await actionsOf(admitted.account.sub)).toContain(`${action} by source`);
  });

  it('is by nobody known where a sub was typed as a name', async () => {
    const sub = 'sub-of-an-import';
    await people.users().add({ sub, username: 'bob', password: 'lantern orbit mosaic' });
    const place = { address: '192.0.2.1', via: 'page' } as const;
    const signIn = (login: string, password: string) =>
      people.accounts().signIn({ login, password, ...place });
    await signIn(sub, 'a guess');
    await signIn('bob', 'lantern orbit mosaic');
    expect(await actionsOf(sub)).toEqual([
      'sign_in.page by person',
      'sign_in.page by unknown',
      'user.add by administrator',
    ]);
  });

  it('is by an administrator where an operator did it', async () => {
    const added = await people.users().add({ username: 'bob', password: 'lantern orbit mosaic' });
    if (!added.ok) throw new Error(added.message);
    expect(await actionsOf(added.account.sub)).toEqual(['user.add by administrator']);
  });
});
