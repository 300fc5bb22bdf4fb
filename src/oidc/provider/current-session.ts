import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import { type FactorProof, withFactor } from '../../accounts/factors/proven-factor.ts';
import { hashId } from '../../crypto/ids.ts';
import { noteOfRequest } from '../../current-request.ts';
import { definedOnly } from '../../defined-only.ts';
import { toAppError } from './errors.ts';
import { readProvenBy } from './proven-by.ts';

export interface CurrentSession {
  readonly sub: string;
  /** Id of the Session artifact. */
  readonly id: string;
  /** Epoch seconds. */
  readonly signedInAt: number;
  /** RFC 8176. */
  readonly amr: readonly string[];
  readonly acr?: string;
  /** Ids of the sources at which the person signed in; absent for sessions from before this was noted. */
  readonly provenBy?: readonly string[];
}

/**
 * The person who is signed in at this tenant in this browser.
 * @throws AppError `unavailable`
 */
export const findCurrentSession = async (
  provider: Provider,
  ctx: Context,
): Promise<CurrentSession | undefined> => {
  try {
    const session = await provider.Session.get(ctx);
    const { accountId, loginTs, uid, amr, acr } = session;
    if (accountId === undefined) return undefined;
    const id = hashId(uid);
    noteOfRequest({ session: id });
    return {
      sub: accountId,
      id,
      signedInAt: loginTs ?? 0,
      amr: amr ?? [],
      ...definedOnly({ acr, provenBy: readProvenBy(session) }),
    };
  } catch (error) {
    throw toAppError(error);
  }
};

/**
 * The person of the session has proven another factor.
 * @throws AppError `unavailable`
 */
export const strengthenSession = async (
  provider: Provider,
  ctx: Context,
  factor: FactorProof,
): Promise<void> => {
  try {
    const session = await provider.Session.get(ctx);
    if (session.accountId === undefined) return;
    const { amr, acr } = withFactor({ amr: session.amr ?? [], ...definedOnly({ acr: session.acr }) }, factor);
    session.amr = [...amr];
    session.acr = acr;
    await session.persist();
  } catch (error) {
    throw toAppError(error);
  }
};
