import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AfterAnswer, createAfterAnswer } from '../../src/accounts/after-answer.ts';
import type { ChargeStart } from '../../src/accounts/start-budget.ts';
import { createThrottle } from '../../src/accounts/throttle.ts';
import { type CodeMail, createEmailSessions } from '../../src/oidc/direct-login/email-sessions.ts';
import { createMfaTokens } from '../../src/oidc/grants/mfa-tokens.ts';
import { openPeople, type People, seedOf } from '../support/people.ts';
import { tenantTexts } from '../support/tenant-texts.ts';

const email = 'ruth@acme.example';
const origin = { clientId: 'app', address: '192.0.2.1', requestId: 'r1', userAgent: 'a test' };
const allowed = { isAllowed: true, retryAfterSeconds: 0 };
let people: People;
/** Names of counters. */
let counted: string[];
/** Reasons in the audit record; undefined is a success. */
let noted: (string | undefined)[];
let afterAnswer: AfterAnswer;

beforeEach(async () => {
  people = await openPeople();
  counted = [];
  noted = [];
  afterAnswer = createAfterAnswer(people.log);
});
afterEach(() => people.close());

const sessionsWith = (
  sendCode: (mail: CodeMail) => Promise<void>,
  file = 'displayName: Acme\n',
  chargeStart: ChargeStart = async () => allowed,
) => {
  const { accounts: records, artifacts, counters } = people.tenant('acme');
  const { clock } = people;
  return createEmailSessions({
    definition: tenantTexts().define(file),
    accounts: people.accounts({ demo: true, users: [seedOf('ruth', { email, emailVerified: true })] }),
    ...{ records, artifacts, sendCode, clock },
    runAfterAnswer: afterAnswer.forTenant('acme'),
    mfaTokens: createMfaTokens({ artifacts, clock }),
    chargeStart,
    throttle: {
      spend: (key, allowance) => {
        counted.push(key);
        return createThrottle(counters, clock).spend(key, allowance);
      },
    },
    issue: async ({ value = '', lifeSeconds }) => ({ value, lifeSeconds, scope: 'openid' }),
    key: Buffer.alloc(32, 7),
    note: async ({ reason }) => void noted.push(reason),
  });
};

describe('the mail with the code of a session', () => {
  it('is not waited for', async () => {
    let letGo = (): void => {};
    const written = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const begun: string[] = [];
    const sessions = sessionsWith(({ to }) => {
      begun.push(to);
      return written;
    });
    expect(await sessions.create(email, origin)).toMatchObject({ codeSeconds: 600 });
    letGo();
    await afterAnswer.idle();
    expect(begun).toEqual([email]);
  });

  it('may fail, and the outcome is that of an address which is nobody’s', async () => {
    const sessions = sessionsWith(() => Promise.reject(new Error('the mails are full')));
    const outcomes = [
      await sessions.create('nobody@acme.example', origin),
      await sessions.create(email, origin),
    ];
    expect(outcomes.map((outcome) => Object.keys(outcome))).toEqual(
      Array.from(outcomes, () => ['token', 'verificationId', 'codeSeconds']),
    );
    await afterAnswer.idle();
    expect(people.lines.join()).toContain('the mails are full');
  });
});

describe('the mails of sessions', () => {
  it('are used up by no IP address that is refused', async () => {
    const refused = { isAllowed: false, retryAfterSeconds: 60 };
    const sessions = sessionsWith(
      async () => {},
      'displayName: Acme\n',
      async (address) => (address === origin.address ? allowed : refused),
    );
    for (let n = 0; n < 6; n += 1)
      await expect(sessions.create(email, { ...origin, address: '198.51.100.7' })).rejects.toMatchObject({
        ...{ code: 'throttled', retryAfterSeconds: 60 },
      });
    expect(await sessions.create(email, origin)).toMatchObject({ codeSeconds: 600 });
  });

  it('are a thousand of a tenant in an hour, and requests of strangers do not count', async () => {
    const hour = { points: 1000, windowSeconds: 3600 };
    const throttle = createThrottle(people.tenant('acme').counters, people.clock);
    for (let n = 0; n < 999; n += 1) await throttle.spend('email_session/tenant', hour);
    const sent: string[] = [];
    const sessions = sessionsWith(async ({ to }) => void sent.push(to));
    const outcomes = [];
    for (const to of ['nobody@acme.example', email, email, email]) {
      outcomes.push(await sessions.create(to, origin));
      await afterAnswer.idle();
    }
    expect(sent).toEqual([email]);
    expect(noted).toEqual(['throttled_tenant']);
    expect(new Set(outcomes.map((outcome) => Object.keys(outcome).join())).size).toBe(1);
    people.clock.advance(3_600_000);
    await sessions.create(email, origin);
    await afterAnswer.idle();
    expect(sent).toEqual([email, email]);
  });
});

describe('the code of a session', () => {
  /** A session whose mail was written. */
  const begin = async (file?: string) => {
    const codes: string[] = [];
    const sessions = sessionsWith(async ({ code }) => void codes.push(code), file);
    const { verificationId } = await sessions.create(email, origin);
    await afterAnswer.idle();
    return { sessions, verificationId, code: codes[0] ?? '' };
  };
  const local = (...clients: readonly string[]) =>
    `sources:\n  - { id: people, type: local, clients: [${clients}] }\nclients: [${clients.map(clientOf)}]\n`;
  const clientOf = (id: string) =>
    `{ client_id: ${id}, token_endpoint_auth_method: none, redirect_uris: [https://${id}.example/cb] }`;

  it('is refused when the tenant has kept its own list for other clients since', async () => {
    const { verificationId, code } = await begin(local('app'));
    const proof = { code };
    const limited = sessionsWith(async () => {}, local('other'));
    expect(await limited.verify(verificationId, proof, origin)).toEqual({ ok: false, reason: 'code' });
    const same = sessionsWith(async () => {}, local('app'));
    expect(await same.verify(verificationId, proof, origin)).toMatchObject({ ok: true });
  });

  it('is refused when the account has another address since, or it is not proven any more', async () => {
    for (const change of [{ email: 'new@acme.example' }, { emailVerified: false }]) {
      const { sessions, verificationId, code } = await begin();
      const { accounts: records } = people.tenant('acme');
      const sub = (await records.findByLogin(email))?.sub ?? '';
      await records.update(sub, change);
      expect(await sessions.verify(verificationId, { code }, origin)).toEqual({ ok: false, reason: 'code' });
      await records.update(sub, { email, emailVerified: true });
      expect(await sessions.verify(verificationId, { code }, origin)).toMatchObject({ ok: true });
    }
  });

  it('is counted for ids that were given out, to the client that has them', async () => {
    const { sessions, verificationId, code } = await begin();
    counted = [];
    expect(await sessions.verify('made up', { code }, origin)).toMatchObject({ reason: 'code' });
    const other = { ...origin, clientId: 'other' };
    expect(await sessions.verify(verificationId, { code }, other)).toMatchObject({ reason: 'code' });
    expect(counted).toEqual([]);
    expect(await sessions.verify(verificationId, { code }, origin)).toMatchObject({ ok: true });
    expect(counted).toHaveLength(1);
  });

  it('has five tries for twenty callers at once', async () => {
    const { sessions, verificationId, code } = await begin();
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => sessions.verify(verificationId, { code: `wrong ${n}` }, origin)),
    );
    expect(noted).toEqual(Array.from({ length: 5 }, () => 'wrong_code'));
    expect(await sessions.verify(verificationId, { code }, origin)).toEqual({ ok: false, reason: 'code' });
  });
});
