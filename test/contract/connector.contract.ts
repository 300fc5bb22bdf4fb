import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Connector, SourcePerson } from '../../src/connectors/connector.ts';

/** What both a person of a source and an identity have: the local source gives identities. */
type Proven = Pick<SourcePerson, 'subject' | 'amr'>;

/** A source of any kind with two people, and a function that takes it out of reach. */
export interface ConnectorFixture {
  readonly connector: Connector<Proven>;
  readonly people: readonly [ContractPerson, ContractPerson];
  /** Of the form of a subject, and nobody's. */
  readonly nobody: string;
  /** Words that no finding and no error may hold, besides the passwords of people. */
  readonly secrets: readonly string[];
  /** Takes the source out of reach; absent for one that is in our own store. */
  readonly outage?: { begin(): Promise<void>; end(): Promise<void> };
  cleanup(): Promise<void>;
}

export interface ContractPerson {
  readonly login: string;
  readonly password: string;
}

const addresses = {
  redirectUri: 'https://drawbridge.test/back',
  signedOutUri: 'https://drawbridge.test/signed-out',
};

const oddLogins = [
  '*',
  'a*',
  '*)(uid=*',
  'EXTERNAL',
  'PLAIN',
  'x'.repeat(500),
  '\0',
  '',
  ' ',
  '__proto__',
  '{username}',
  '$&',
  'a\r\nb',
];

/** Each rule of `src/connectors/connector.ts` on passwords and look-ups as a clause. */
export const connectorContract = (name: string, open: () => Promise<ConnectorFixture>): void => {
  describe(`connector contract: ${name}`, () => {
    let fixture: ConnectorFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(() => fixture.cleanup());

    const verify = (login: string, password: string) => {
      const { passwords } = fixture.connector;
      if (passwords === undefined) throw new Error('this contract is for sources that check passwords');
      return passwords.verify({ login, password });
    };

    const proveSubject = async ({ login, password }: ContractPerson): Promise<string> => {
      const verdict = await verify(login, password);
      if (!verdict.ok) throw new Error(`${login} is refused: ${verdict.reason}`);
      expect(verdict.person.amr.length).toBeGreaterThan(0);
      return verdict.person.subject;
    };

    it('knows each person by a subject of their own, the same each time', async () => {
      const [first, second] = fixture.people;
      const subject = await proveSubject(first);
      expect(subject).not.toBe('');
      expect(await proveSubject(first)).toBe(subject);
      expect(await proveSubject(second)).not.toBe(subject);
    });

    it('refuses a wrong password, and anybody else’s', async () => {
      const [first, second] = fixture.people;
      for (const password of [
        'wrong-Passw0rd',
        second.password,
        `${first.password} `,
        first.password.slice(1),
      ])
        expect(await verify(first.login, password)).toMatchObject({ ok: false, reason: 'credentials' });
    });

    it('refuses an unknown person, with any password', async () => {
      const [{ password }] = fixture.people;
      const verdict = await verify('nobody-of-that-name', password);
      expect(verdict.ok).toBe(false);
      expect(verdict).toMatchObject({ reason: expect.stringMatching(/^(unknown|credentials)$/) });
    });

    it.each(oddLogins)('refuses the name %j', async (login) => {
      const [{ password }] = fixture.people;
      expect(await verify(login, password)).toMatchObject({
        ok: false,
        reason: expect.stringMatching(/^(unknown|credentials)$/),
      });
    });

    it('distinguishes people who sign in at the same time', async () => {
      const subjects = await Promise.all(fixture.people.map(proveSubject));
      const attempts = Array.from({ length: 40 }, (_, at) => at);
      await Promise.all(
        attempts.map(async (at) => {
          const { login } = fixture.people[at % 2 === 0 ? 0 : 1];
          const { password } = fixture.people[at % 4 < 2 ? 0 : 1];
          const verdict = await verify(login, password);
          expect(verdict.ok).toBe(at % 2 === (at % 4 < 2 ? 0 : 1));
          if (verdict.ok) expect(verdict.person.subject).toBe(subjects[at % 2]);
        }),
      );
    });

    it('has a decoy that settles nothing', async () => {
      expect(await fixture.connector.passwords?.decoy?.()).toBeUndefined();
      await proveSubject(fixture.people[0]);
    });

    it('looks up by subject and by name the person who signs in', async () => {
      const { lookup } = fixture.connector;
      if (lookup === undefined) return;
      const [{ login }] = fixture.people;
      const subject = await proveSubject(fixture.people[0]);
      expect(await lookup.find({ subject })).toMatchObject({ status: 'present', person: { subject } });
      expect(await lookup.find({ login })).toMatchObject({ status: 'present', person: { subject } });
    });

    it('finds no person where there is none', async () => {
      const { lookup } = fixture.connector;
      if (lookup === undefined) return;
      expect(await lookup.find({ subject: fixture.nobody })).toEqual({ status: 'absent' });
      for (const login of ['nobody-of-that-name', ...oddLogins]) {
        expect(await lookup.find({ login })).toEqual({ status: 'absent' });
        expect(await lookup.find({ subject: login })).toEqual({ status: 'absent' });
      }
    });

    it('shows no secret to who examines it', async () => {
      const findings = await fixture.connector.examine(addresses);
      expect(findings.filter(({ verdict }) => verdict === 'problem')).toEqual([]);
      expectNoSecret(JSON.stringify(findings));
    });

    describe('out of reach', () => {
      beforeAll(() => fixture.outage?.begin());
      afterAll(() => fixture.outage?.end());

      it('is unavailable: to right passwords, to wrong ones and to look-ups', async () => {
        if (fixture.outage === undefined) return;
        const [{ login, password }] = fixture.people;
        const { lookup } = fixture.connector;
        const errors = await Promise.all([
          failureOf(verify(login, password)),
          failureOf(verify(login, 'wrong-Passw0rd')),
          failureOf(verify('nobody-of-that-name', password)),
          ...(lookup === undefined
            ? []
            : [failureOf(lookup.find({ login })), failureOf(lookup.find({ subject: fixture.nobody }))]),
        ]);
        for (const error of errors) {
          expect(error).toMatchObject({ name: 'AppError', code: 'unavailable' });
          expectNoSecret(wordsOf(error));
        }
      });

      it('has a decoy that does not reject, and can be examined', async () => {
        if (fixture.outage === undefined) return;
        await fixture.connector.passwords?.decoy?.();
        const findings = await fixture.connector.examine(addresses);
        expect(findings.filter(({ verdict }) => verdict === 'problem')).not.toEqual([]);
        expectNoSecret(JSON.stringify(findings));
      });
    });

    it('is of use again as soon as it can be reached', async () => {
      await proveSubject(fixture.people[0]);
    });

    const expectNoSecret = (words: string): void => {
      const secrets = [
        ...fixture.secrets,
        ...fixture.people.map(({ password }) => password),
        'wrong-Passw0rd',
      ];
      for (const secret of secrets) expect(words).not.toContain(secret);
    };
  });
};

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

const wordsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return '';
  const { detail } = error as { detail?: unknown }; // AppError's
  return `${error.message} ${String(detail)} ${wordsOf(error.cause)}`;
};
