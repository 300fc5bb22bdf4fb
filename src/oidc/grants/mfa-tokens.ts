// A password grant whose person needs a second factor goes on with an `mfa_token`, which stands for the password.
import type { EventEmitter } from 'node:events';
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { FirstFactor } from '../../accounts/account-types.ts';
import { mayCompleteSignIn } from '../../accounts/standing.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import { hashId, randomId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { AccountRecord, Artifacts } from '../../storage/storage.ts';

export interface MfaTokens {
  issue(clientId: string, firstFactor: FirstFactor): Promise<string>;
  /** The first factor that it stands for; undefined when it is unknown, expired, used, or another client's. */
  find(clientId: string, token: string): Promise<FirstFactor | undefined>;
  /** False for all but one of its callers. */
  consume(token: string): Promise<boolean>;
}

const kind = 'MfaToken';
const lifeSeconds = 300;

interface Payload extends Omit<FirstFactor, 'account'> {
  readonly clientId: string;
}

export const createMfaTokens = ({
  artifacts,
  clock,
}: {
  readonly artifacts: Artifacts;
  readonly clock: Clock;
}): MfaTokens => ({
  issue: async (clientId, { account, amr, acr, source, signedInAt }) => {
    const token = randomId();
    const payload: Payload = { clientId, amr, source, signedInAt, ...definedOnly({ acr }) };
    const artifact = {
      kind,
      id: hashId(token),
      payload: JSON.stringify(payload),
      accountId: account.sub,
      expiresAt: epochSeconds(clock) + lifeSeconds,
    } as const;
    await artifacts.write([{ op: 'insert', artifact }]);
    return token;
  },

  find: async (clientId, token) => {
    const loaded = await artifacts.load([{ kind, id: hashId(token) }]);
    const [artifact] = loaded.artifacts;
    const account: AccountRecord | undefined = loaded.linkedAccounts[0];
    if (artifact === undefined || artifact.consumedAt !== undefined) return undefined;
    const { clientId: owner, ...proof } = JSON.parse(artifact.payload) as Payload; // written above
    if (owner !== clientId || !mayCompleteSignIn(account, proof.signedInAt)) return undefined;
    return { ...proof, account };
  },

  consume: async (token) => (await artifacts.consume(kind, hashId(token), clock.now()))?.won === true,
});

/** The second step of the password grant: the client sends `mfa_token` and `otp`. */
export class MfaRequired extends errors.OIDCProviderError {
  readonly mfaToken: string;
  /** The codes that the person has. */
  readonly methods: readonly string[];

  constructor(mfaToken: string, methods: readonly string[]) {
    super(400, 'mfa_required');
    this.error_description = 'a second factor is needed: send otp with the mfa_token';
    this.mfaToken = mfaToken;
    this.methods = methods;
  }
}

/** Members of the answer that the library's errors do not have. */
export const announceMfaTokens = (provider: Provider): void => {
  const emitter: EventEmitter = provider; // the event's typed signature knows no subclass
  emitter.on('grant.error', (ctx: KoaContextWithOIDC, error: Error) => {
    if (!(error instanceof MfaRequired)) return;
    const body = ctx.body as Record<string, unknown>; // the error's, just set
    Object.assign(body, { mfa_token: error.mfaToken, methods: error.methods });
  });
};
