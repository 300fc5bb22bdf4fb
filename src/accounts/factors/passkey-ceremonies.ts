// The two ceremonies of WebAuthn (Level 3, sections 7.1 and 7.2): what a browser is asked, and what is checked of its answer.
// The account is not changed here.
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { hashId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { PasskeyFactor, UsedChallenge } from '../../storage/factor-record.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import type { ChallengePurpose, PasskeyChallenges } from './passkey-challenge.ts';

/** As a browser sends them; unchecked. */
export type NewPasskeyAnswer = RegistrationResponseJSON;
export type PasskeyAnswer = AuthenticationResponseJSON;

/** For the audit record. */
export type PasskeyFault = 'passkey_challenge' | 'passkey_origin' | 'wrong_passkey';

type Checked<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly fault: PasskeyFault };

export interface PasskeyCeremonies {
  /** Id of the relying party. */
  readonly rpId: string;
  /** JSON for `navigator.credentials.create`. */
  askForNew(account: AccountRecord, purpose: ChallengePurpose): Promise<string>;
  checkNew(
    answer: NewPasskeyAnswer,
    purpose: ChallengePurpose,
  ): Promise<Checked<{ readonly made: MadePasskey }>>;
  /** JSON for `navigator.credentials.get`. @param known whose passkeys may answer; absent: anybody's */
  ask(purpose: ChallengePurpose, known?: readonly PasskeyFactor[]): Promise<string>;
  check(
    answer: PasskeyAnswer,
    purpose: ChallengePurpose,
    factor: PasskeyFactor,
  ): Promise<Checked<{ readonly use: PasskeyUse }>>;
}

export type MadePasskey = Omit<PasskeyFactor, 'name' | 'createdAt' | 'lastUsedAt'>;

export interface PasskeyUse {
  readonly counter: number;
  readonly isBackedUp: boolean;
  readonly challenge: UsedChallenge;
}

export interface CeremoniesParts {
  readonly definition: Pick<TenantDefinition, 'displayName'>;
  /** The relying party is the tenant's issuer; nothing of the request decides. */
  readonly issuer: string;
  readonly challenges: PasskeyChallenges;
}

/** The id of the relying party: the host of the issuer. Passkeys that were made for another do not work. */
export const relyingPartyOf = (issuer: string): string => new URL(issuer).hostname;

/** Milliseconds for which a browser waits for a person. */
const timeout = 5 * 60_000;

export const createPasskeyCeremonies = ({
  definition,
  issuer,
  challenges,
}: CeremoniesParts): PasskeyCeremonies => {
  const rpId = relyingPartyOf(issuer);
  const { origin: expectedOrigin } = new URL(issuer);

  const judge = (
    clientDataJson: string,
    purpose: ChallengePurpose,
  ): Checked<{ readonly challenge: UsedChallenge }> => {
    const { challenge, origin, crossOrigin } = readClientData(clientDataJson);
    // our pages are in no frame
    if (origin !== expectedOrigin || crossOrigin === true) return { ok: false, fault: 'passkey_origin' };
    const read = typeof challenge === 'string' ? challenges.read(challenge, purpose) : undefined;
    return read === undefined ? { ok: false, fault: 'passkey_challenge' } : { ok: true, challenge: read };
  };

  return {
    rpId,

    askForNew: async ({ sub, username, claims, factors = [] }, purpose) =>
      JSON.stringify(
        await generateRegistrationOptions({
          rpName: definition.displayName,
          rpID: rpId,
          userName: username,
          userDisplayName: typeof claims?.name === 'string' ? claims.name : username,
          // a sign-in without a name finds the account by it
          userID: new Uint8Array(Buffer.from(sub)),
          challenge: challenges.create(purpose),
          timeout,
          excludeCredentials: factors.filter(isPasskey).map(toDescriptor),
          authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
        }),
      ),

    checkNew: async (answer, purpose) => {
      const judged = judge(answer.response.clientDataJSON, purpose);
      if (!judged.ok) return judged;
      const verified = await orUndefined(() =>
        verifyRegistrationResponse({
          response: answer,
          expectedChallenge: () => true, // judged above
          expectedOrigin,
          expectedRPID: rpId,
          requireUserVerification: false,
        }),
      );
      if (verified?.verified !== true) return { ok: false, fault: 'wrong_passkey' };
      const { credential, credentialDeviceType, credentialBackedUp } = verified.registrationInfo;
      const { transports } = credential;
      return {
        ok: true,
        made: {
          type: 'passkey',
          id: hashId(credential.id).slice(0, 12),
          credentialId: credential.id,
          publicKey: Buffer.from(credential.publicKey).toString('base64url'),
          counter: credential.counter,
          isSynced: credentialDeviceType === 'multiDevice',
          isBackedUp: credentialBackedUp,
          rpId,
          ...definedOnly({ transports }),
        },
      };
    },

    ask: async (purpose, known) =>
      JSON.stringify(
        await generateAuthenticationOptions({
          rpID: rpId,
          challenge: challenges.create(purpose),
          timeout,
          // after another factor, to have the key is enough; without one, the device has to know the person
          userVerification: purpose.kind === 'alone' ? 'required' : 'discouraged',
          ...definedOnly({ allowCredentials: known?.map(toDescriptor) }),
        }),
      ),

    check: async (answer, purpose, { credentialId, publicKey }) => {
      const judged = judge(answer.response.clientDataJSON, purpose);
      if (!judged.ok) return judged;
      const verified = await orUndefined(() =>
        verifyAuthenticationResponse({
          response: answer,
          expectedChallenge: () => true, // judged above
          expectedOrigin,
          expectedRPID: rpId,
          requireUserVerification: purpose.kind === 'alone',
          // the counter is compared where the account is changed, with the one that is kept then
          credential: {
            id: credentialId,
            publicKey: new Uint8Array(Buffer.from(publicKey, 'base64url')),
            counter: 0,
          },
        }),
      );
      if (verified?.verified !== true) return { ok: false, fault: 'wrong_passkey' };
      const { newCounter, credentialBackedUp } = verified.authenticationInfo;
      return {
        ok: true,
        use: { counter: newCounter, isBackedUp: credentialBackedUp, challenge: judged.challenge },
      };
    },
  };
};

export const isPasskey = (factor: { readonly type: string }): factor is PasskeyFactor =>
  factor.type === 'passkey';

const toDescriptor = ({ credentialId, transports }: PasskeyFactor) => ({
  id: credentialId,
  ...definedOnly({ transports: transports && [...transports] }),
});

const readClientData = (
  encoded: string,
): { readonly challenge?: unknown; readonly origin?: unknown; readonly crossOrigin?: unknown } => {
  try {
    const read: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString());
    return typeof read === 'object' && read !== null ? read : {};
  } catch {
    return {};
  }
};

/** The library throws a plain Error for whatever is wrong with an answer: it has no other inputs. */
const orUndefined = <T>(verify: () => Promise<T>): Promise<T | undefined> => verify().catch(() => undefined);
