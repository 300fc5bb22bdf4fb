import type { HttpSource } from '../../src/config/source/source-definition.ts';
import type {
  Connector,
  Credentials,
  Identity,
  PasswordChangeVerdict,
  PasswordVerdict,
  SourcePerson,
  SourceRefusal,
} from '../../src/connectors/connector.ts';
import { withMapping } from '../../src/connectors/mapping/with-mapping.ts';
import { definedOnly } from '../../src/defined-only.ts';
import { AppError } from '../../src/errors.ts';

/** A person as a scripted source has them; a test may change any of it at any time. */
export interface ScriptedPerson {
  subject: string;
  password: string;
  username?: string;
  email?: string;
  emailVerified?: unknown;
  groups?: readonly string[];
  /** Said once the password is accepted (`account_locked`: instead of a check), and when looked up. */
  refusal?: Exclude<SourceRefusal, 'unknown' | 'credentials'>;
}

export interface ScriptedSource {
  readonly connector: Connector;
  /** By the name they sign in with. */
  readonly people: Map<string, ScriptedPerson>;
  /** The source cannot be reached. */
  isDown: boolean;
  /** The source limits attempts itself. */
  retryAfterSeconds: number | undefined;
  /** Look-ups tell less than sign-ins. */
  partly: { readonly hasGroups: boolean } | undefined;
  /** What becomes of a password change; absent: done. */
  changeVerdict: PasswordChangeVerdict | undefined;
  /** Every answer waits for it. */
  delay: Promise<void>;
  readonly asked: { verify: number; decoy: number; find: number; change: number };
  /** As a redirect source would hand the person over. */
  identityOf(login: string): Promise<Identity>;
}

type Offers = Partial<Record<'passwords' | 'lookup' | 'change' | 'redirect', boolean>>;

/** A whole source of people whose verdicts a test sets, behind the real mapping. */
export const createScriptedSource = (
  id: string,
  changes: Partial<HttpSource> = {},
  offers: Offers = {},
): ScriptedSource => {
  const definition: HttpSource = {
    id,
    type: 'http',
    displayName: `People of ${id}`,
    domains: [],
    trustedEmailDomains: [],
    mapping: [],
    adopt: 'off',
    recheckSeconds: 300,
    degradedSeconds: 600,
    revealLock: false,
    url: 'http://127.0.0.1:1/',
    tls: {},
    requestTimeoutMs: 1000,
    ...changes,
  };
  const asked = { verify: 0, decoy: 0, find: 0, change: 0 };
  const people = new Map<string, ScriptedPerson>();

  const reach = async (): Promise<void> => {
    await source.delay;
    if (source.isDown) throw new AppError('unavailable', `${id} cannot be reached`);
  };

  const raw: Connector<SourcePerson> = {
    definition,
    ...(offers.passwords === false
      ? {}
      : {
          passwords: {
            verify: async ({ login, password }) => {
              asked.verify += 1;
              await reach();
              const { retryAfterSeconds } = source;
              if (retryAfterSeconds !== undefined)
                return { ok: false, reason: 'throttled', retryAfterSeconds };
              const person = people.get(login);
              if (person === undefined) return { ok: false, reason: 'unknown' };
              if (person.refusal === 'account_locked') return { ok: false, reason: 'account_locked' };
              if (person.password !== password) return { ok: false, reason: 'credentials' };
              return person.refusal === undefined
                ? { ok: true, person: toSourcePerson(person) }
                : { ok: false, reason: person.refusal };
            },
            decoy: async () => {
              asked.decoy += 1;
            },
            ...(offers.change === false
              ? {}
              : {
                  change: async ({ login, newPassword }) => {
                    asked.change += 1;
                    await reach();
                    if (source.changeVerdict !== undefined) return source.changeVerdict;
                    const person = people.get(login);
                    if (person !== undefined) {
                      person.password = newPassword;
                      delete person.refusal;
                    }
                    return { ok: true };
                  },
                }),
          },
        }),
    ...(offers.lookup === false
      ? {}
      : {
          lookup: {
            find: async (who) => {
              asked.find += 1;
              await reach();
              const person =
                'login' in who
                  ? people.get(who.login)
                  : [...people.values()].find(({ subject }) => subject === who.subject);
              if (person === undefined) return { status: 'absent' };
              if (person.refusal === 'account_disabled' || person.refusal === 'account_locked')
                return { status: 'refused', reason: person.refusal };
              const { partly } = source;
              return {
                status: 'present',
                person: toSourcePerson(person),
                ...(partly === undefined ? {} : { partly }),
              };
            },
          },
        }),
    ...(offers.redirect === true
      ? {
          redirect: {
            begin: async () => ({ url: 'http://127.0.0.1:1/', memory: { redirectUri: '', state: '' } }),
            finish: async () => ({ ok: false, reason: 'cancelled', detail: 'scripted' }),
            endSessionUrl: async () => undefined,
            verifyLogoutToken: async () => undefined,
            refresh: async () => undefined,
            readAgain: async () => ({ status: 'absent' }),
          },
        }
      : {}),
    examine: async () => [],
  };

  const source: ScriptedSource = {
    connector: withMapping(raw),
    people,
    isDown: false,
    retryAfterSeconds: undefined,
    partly: undefined,
    changeVerdict: undefined,
    delay: Promise.resolve(),
    asked,
    identityOf: async (login) => {
      const person = people.get(login);
      if (person === undefined) throw new Error(`${id} has no ${login}`);
      const tokens = { verify: async () => ({ person: toSourcePerson(person) }) };
      const verified = await withMapping({ definition, tokens, examine: async () => [] }).tokens?.verify('');
      if (verified === undefined) throw new Error('a mapping lost its person');
      return verified.person;
    },
  };
  return source;
};

/** The same source as a directory, which says whom it found even where the password is wrong. */
export const asDirectory = ({ connector, people }: ScriptedSource): Connector => {
  const { definition, passwords } = connector;
  const verify = async (credentials: Credentials): Promise<PasswordVerdict> => {
    const verdict = await passwords?.verify(credentials);
    const subject = people.get(credentials.login)?.subject;
    if (verdict === undefined) throw new Error('it takes passwords');
    return verdict.ok || verdict.reason === 'throttled'
      ? verdict
      : { ...verdict, ...definedOnly({ subject }) };
  };
  const directory = { ...definition, type: 'ldap' } as never; // what else a directory has is not asked for here
  return { ...connector, definition: directory, passwords: { verify } };
};

const toSourcePerson = (person: ScriptedPerson): SourcePerson => ({
  subject: person.subject,
  attributes: {
    username: person.username,
    email: person.email,
    email_verified: person.emailVerified,
  },
  groups: person.groups ?? [],
  amr: ['pwd'],
});
