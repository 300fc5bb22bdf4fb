import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AfterAnswer, createAfterAnswer } from '../../src/accounts/after-answer.ts';
import { createThrottle } from '../../src/accounts/throttle.ts';
import { type CodeMail, createEmailSessions } from '../../src/oidc/direct-login/email-sessions.ts';
import { createMfaTokens } from '../../src/oidc/grants/mfa-tokens.ts';
import { openPeople, type People, seedOf } from '../support/people.ts';
import { tenantTexts } from '../support/tenant-texts.ts';

const email = 'ruth@acme.example';
const origin = { clientId: 'app', address: '192.0.2.1', requestId: 'r1', userAgent: 'a test' };
const allowed = { isAllowed: true, retryAfterSeconds: 0 };
let people: People;
let afterAnswer: AfterAnswer;

beforeEach(async () => {
  people = await openPeople();
  afterAnswer = createAfterAnswer(people.log);
});
afterEach(() => people.close());

const sessionsWith = (sendCode: (mail: CodeMail) => Promise<void>) => {
  const { accounts: records, artifacts, counters } = people.tenant('acme');
  const { clock } = people;
  return createEmailSessions({
    definition: tenantTexts().define('displayName: Acme\n'),
    accounts: people.accounts({ demo: true, users: [seedOf('ruth', { email, emailVerified: true })] }),
    ...{ records, artifacts, sendCode, clock },
    runAfterAnswer: afterAnswer.forTenant('acme'),
    mfaTokens: createMfaTokens({ artifacts, clock }),
    chargeStart: async () => allowed,
    throttle: createThrottle(counters, clock),
    issue: async ({ value = '', lifeSeconds }) => ({ value, lifeSeconds, scope: 'openid' }),
    key: Buffer.alloc(32, 7),
    note: async () => {},
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
