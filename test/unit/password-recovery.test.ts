import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createNotifyOfChange } from '../../src/accounts/account-notices.ts';
import { type AfterAnswer, createAfterAnswer } from '../../src/accounts/after-answer.ts';
import type { LocalUsers } from '../../src/accounts/local-users.ts';
import { createPasswordRecovery } from '../../src/accounts/password-recovery.ts';
import { createThrottle } from '../../src/accounts/throttle.ts';
import { createVerifications } from '../../src/accounts/verifications.ts';
import { createPersonAudit } from '../../src/audit/person-audit.ts';
import { AppError } from '../../src/errors.ts';
import type { NewMail, TenantMail } from '../../src/mail/tenant-mail.ts';
import { throttle as limits, localSource, openPeople, type People } from '../support/people.ts';

const password = 'lantern orbit mosaic';
const fresh = 'another mosaic in orbit';
const from = { address: '192.0.2.1', requestId: 'r' };
let people: People;
let afterAnswer: AfterAnswer;
/** Mails about changes that wait or may leave. */
let notices: NewMail[];
let sent: NewMail[];

beforeEach(async () => {
  people = await openPeople();
  afterAnswer = createAfterAnswer(people.log);
  notices = [];
  sent = [];
});
afterEach(() => people.close());

const hold: TenantMail['hold'] = async (mail) => {
  notices.push(mail);
  return {
    release: async () => {},
    remove: async () => void notices.splice(notices.indexOf(mail), 1),
  };
};

const recoveryWith = (users: Pick<LocalUsers, 'setPasswordBySub'> = people.users()) => {
  const { accounts, artifacts, counters } = people.tenant('acme');
  const throttle = createThrottle(counters, people.clock);
  return createPasswordRecovery({
    definition: { displayName: 'Acme', sources: [localSource], throttle: limits },
    issuer: 'https://login.example/oauth/acme',
    records: accounts,
    verifications: createVerifications({
      ...{ tenant: 'acme', artifacts, throttle, clock: people.clock },
      sealingKey: Buffer.alloc(32, 5),
      codeKey: Buffer.alloc(32, 6),
    }),
    throttle,
    faultOfPassword: () => undefined,
    mail: { send: async (mail) => void sent.push(mail) },
    notifyOfChange: createNotifyOfChange({
      ...{ mail: { hold }, locale: 'en', clock: people.clock, log: people.log },
    }),
    formerAddresses: { find: async () => undefined },
    remindOfUndo: async () => false,
    usersAs: () => users,
    runAfterAnswer: afterAnswer.forTenant('acme'),
    audit: people.audit('acme'),
    clock: people.clock,
    log: people.log,
  });
};

const add = async (username: string, email?: string) => {
  const added = await people.users().add({ username, password, ...(email === undefined ? {} : { email }) });
  if (!added.ok) throw new Error(added.message);
  return added.account;
};

const linkFor = async (login: string): Promise<string> => {
  const recovery = recoveryWith();
  await recovery.begin({ ...from, login, locale: 'de', browser: 'b'.repeat(43) });
  await afterAnswer.idle();
  return new URL(sent.at(-1)?.link ?? '').searchParams.get('token') ?? '';
};

const reset = async (link: string, users?: Pick<LocalUsers, 'setPasswordBySub'>) =>
  recoveryWith(users).reset({ ...from, link, password: fresh, locale: 'de' });

describe('a mail that somebody asked for', () => {
  it.each(['cli', 'CLI@acme.example'])(
    'is by nobody who is known, and no administrator: asked for as %s',
    async (login) => {
      const { sub } = await add('cli', 'cli@acme.example');
      await linkFor(login);
      const { audit } = people.tenant('acme');
      const entries = await createPersonAudit(audit).list({ sub, limit: 9 });
      expect(entries.filter(({ action }) => action === 'recovery.begin')).toMatchObject([
        { outcome: 'success', by: 'unknown' },
      ]);
      expect(JSON.stringify(entries)).not.toContain(from.address);
    },
  );

  it('keeps the name that was typed where it is nobody\u2019s', async () => {
    const recovery = recoveryWith();
    await recovery.begin({ ...from, login: 'rhut', locale: 'de', browser: 'b'.repeat(43) });
    await afterAnswer.idle();
    const [newest] = await people.tenant('acme').audit.list({ limit: 1 });
    expect(newest).toMatchObject({ action: 'recovery.begin', actor: 'rhut', reason: 'unknown_user' });
  });
});

describe('the record of a request with a name that reads like another actor', () => {
  it('does not say that the operator or another person has asked', async () => {
    const { sub } = await add('ruth');
    const recovery = recoveryWith();
    for (const login of ['cli', 'Drawbridge ', 'unknown', sub]) {
      await recovery.begin({ ...from, login, locale: 'de', browser: 'b'.repeat(43) });
      await afterAnswer.idle();
    }
    const { audit } = people.tenant('acme');
    const begun = (await audit.list({ limit: 50 })).filter(({ action }) => action === 'recovery.begin');
    expect(begun.map(({ actor, reason }) => `${actor} ${reason}`).reverse()).toEqual([
      '"cli" unknown_user',
      '"Drawbridge " unknown_user',
      '"unknown" unknown_user',
      `"${sub}" unknown_user`,
    ]);
    expect(JSON.stringify(await createPersonAudit(audit).list({ sub, limit: 50 }))).not.toContain('recovery');
  });
});

describe('a flood of requests from many addresses', () => {
  const askFor = async (logins: readonly string[]): Promise<readonly { readonly ok: boolean }[]> => {
    const recovery = recoveryWith();
    const outcomes = [];
    for (const [index, login] of logins.entries()) {
      const address = `2001:db8:${index.toString(16)}::1`;
      outcomes.push(await recovery.begin({ ...from, address, login, locale: 'de', browser: 'b'.repeat(43) }));
      await afterAnswer.idle();
    }
    return outcomes;
  };
  const recordsOf = async (refusal: string): Promise<number> =>
    (await people.tenant('acme').audit.list({ limit: 5000 })).filter(
      ({ reason }) => reason?.startsWith(refusal) === true,
    ).length;

  it('for made-up names keeps no mail from the people, and fills no audit record', async () => {
    await add('ruth', 'ruth@acme.example');
    await askFor(Array.from({ length: 1010 }, (_, index) => `nobody${index}`));
    expect(await askFor(['ruth'])).toEqual([{ ok: true }]);
    expect(sent).toMatchObject([{ to: 'ruth@acme.example' }]);
    expect(await recordsOf('unknown_user')).toBe(1000);
  });

  it('for people of the tenant writes 1000 mails in an hour', async () => {
    const names = Array.from({ length: 202 }, (_, index) => `person${index}`);
    for (const name of names) await add(name, `${name}@acme.example`);
    await askFor(names.flatMap((name) => Array.from({ length: 5 }, () => name)));
    expect(sent).toHaveLength(1000);
    expect(await recordsOf('throttled_tenant')).toBe(1);
    people.clock.advance(3_600_000);
    await askFor(['person201']);
    expect(sent).toHaveLength(1001);
  });
});

describe('a new password after a forgotten one', () => {
  it('is in a mail, in the language of the page, also to an address that was not verified', async () => {
    await add('ruth', 'ruth@acme.example');
    expect(await reset(await linkFor('ruth'))).toEqual({ ok: true });
    expect(notices).toMatchObject([{ kind: 'password_changed', to: 'ruth@acme.example', locale: 'de' }]);
  });

  it('is in no mail when it could not be saved', async () => {
    await add('ruth', 'ruth@acme.example');
    const link = await linkFor('ruth');
    const outage = () => Promise.reject(new AppError('unavailable', 'The store cannot be reached'));
    await expect(reset(link, { setPasswordBySub: outage })).rejects.toThrow('cannot be reached');
    expect(notices).toEqual([]);
  });

  it('is for the account of the mail, not for one whose name is written like its sub', async () => {
    const ruth = await add('ruth', 'ruth@acme.example');
    const namesake = await add(ruth.sub);
    expect(await reset(await linkFor('ruth'))).toEqual({ ok: true });
    const hashes = await Promise.all(
      [ruth, namesake].map(
        async ({ sub }) => (await people.tenant('acme').accounts.findBySub(sub))?.passwordHash,
      ),
    );
    expect(hashes[0]).not.toBe(ruth.passwordHash);
    expect(hashes[1]).toBe(namesake.passwordHash);
  });
});
