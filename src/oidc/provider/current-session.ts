import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import { hashId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import { toAppError } from './errors.ts';

export interface CurrentSession {
  readonly sub: string;
  /** Id of the Session artifact. */
  readonly id: string;
  /** Epoch seconds. */
  readonly signedInAt: number;
  /** RFC 8176. */
  readonly amr: readonly string[];
  readonly acr?: string;
}

/**
 * Who is signed in at this tenant in this browser.
 * @throws AppError `unavailable`
 */
export const findCurrentSession = async (
  provider: Provider,
  ctx: Context,
): Promise<CurrentSession | undefined> => {
  try {
    const { accountId, loginTs, uid, amr, acr } = await provider.Session.get(ctx);
    if (accountId === undefined) return undefined;
    return {
      sub: accountId,
      id: hashId(uid),
      signedInAt: loginTs ?? 0,
      amr: amr ?? [],
      ...definedOnly({ acr }),
    };
  } catch (error) {
    throw toAppError(error);
  }
};
