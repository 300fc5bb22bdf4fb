import type { FirstFactor } from '../../accounts/account-types.ts';
import { mayCompleteSignIn } from '../../accounts/standing.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import { hashId, randomId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Artifacts } from '../../storage/storage.ts';
import type { ChallengeRequest } from './challenge-request.ts';

/** A sign-in on an app's own page, between two steps. */
export interface AuthSession {
  readonly clientId: string;
  readonly request: ChallengeRequest;
  /** Epoch seconds of the first step. */
  readonly startedAt: number;
  /** The name that was typed, before a password was right. */
  readonly login?: string;
  /** For the code of a mail, in all steps. */
  readonly codePlace?: string;
  /** The right password of a person who still needs a second factor. */
  readonly firstFactor?: FirstFactor;
}

export interface AuthSessions {
  /** @returns the `auth_session` of the next step */
  keep(session: AuthSession): Promise<string>;
  /** Undefined when it is unknown, expired, used, another client's, or its person may no longer sign in. */
  find(clientId: string, token: string): Promise<AuthSession | undefined>;
  /** Id of the client that began it; undefined when it is unknown, expired or used. */
  clientOf(token: string): Promise<string | undefined>;
  /** False for all but one of its callers. */
  consume(token: string): Promise<boolean>;
}

const kind = 'AuthSession';
const stepSeconds = 300;

interface Payload extends Omit<AuthSession, 'firstFactor'> {
  readonly firstFactor?: Omit<FirstFactor, 'account'>;
}

export interface AuthSessionsParts {
  readonly artifacts: Artifacts;
  /** Of all steps together. */
  readonly longestSeconds: number;
  readonly clock: Clock;
}

export const createAuthSessions = ({ artifacts, longestSeconds, clock }: AuthSessionsParts): AuthSessions => {
  const load = async (token: string) => {
    const loaded = await artifacts.load([{ kind, id: hashId(token) }]);
    const [artifact] = loaded.artifacts;
    if (artifact === undefined || artifact.consumedAt !== undefined) return undefined;
    const payload = JSON.parse(artifact.payload) as Payload; // written in `keep`
    return { payload, account: loaded.linkedAccounts[0] };
  };

  return {
    keep: async ({ firstFactor, ...session }) => {
      const token = randomId();
      const { account, ...proof } = firstFactor ?? {};
      const payload: Payload = {
        ...session,
        ...(firstFactor === undefined ? {} : { firstFactor: proof as Omit<FirstFactor, 'account'> }), // the rest of it
      };
      const artifact = {
        kind,
        id: hashId(token),
        payload: JSON.stringify(payload),
        ...definedOnly({ accountId: account?.sub }),
        expiresAt: Math.min(epochSeconds(clock) + stepSeconds, session.startedAt + longestSeconds),
      } as const;
      await artifacts.write([{ op: 'insert', artifact }]);
      return token;
    },

    find: async (clientId, token) => {
      const found = await load(token);
      if (found === undefined) return undefined;
      const { firstFactor, ...session } = found.payload;
      if (session.clientId !== clientId) return undefined;
      if (firstFactor === undefined) return session;
      const { account } = found;
      if (!mayCompleteSignIn(account, firstFactor.signedInAt)) return undefined;
      return { ...session, firstFactor: { ...firstFactor, account } };
    },

    clientOf: async (token) => (await load(token))?.payload.clientId,

    consume: async (token) => (await artifacts.consume(kind, hashId(token), clock.now()))?.won === true,
  };
};
