import type { Provider } from 'oidc-provider';
import type { SessionOrigin } from '../../accounts/session-origin.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { accountScope, builtInScopes } from '../../protocol/scopes.ts';
import { toAppError } from '../provider/errors.ts';
import type { ProviderRequests } from '../provider/provider-request.ts';
import { beginDirectSession, type DirectProof } from './direct-session.ts';

export interface DirectTokenRequest {
  readonly clientId: string;
  readonly proof: DirectProof;
  /** Separated by spaces; default: `defaultScope`. */
  readonly scope?: string | undefined;
  readonly origin: SessionOrigin;
  /** Default: a random one. */
  readonly value?: string;
  /** Of the token and its session. */
  readonly lifeSeconds: number;
}

export interface DirectToken {
  readonly value: string;
  readonly lifeSeconds: number;
  readonly scope: string;
}

/**
 * An opaque access token for userinfo, the gateway and the API of the own account, with a session of its own that lives
 * as long.
 * @throws AppError `unavailable`
 */
export type IssueDirectToken = (request: DirectTokenRequest) => Promise<DirectToken>;

const defaultScope = `openid ${accountScope}`;

export const createDirectTokens =
  (
    provider: Provider,
    { definition, requests }: { readonly definition: TenantDefinition; readonly requests: ProviderRequests },
  ): IssueDirectToken =>
  async ({ clientId, proof, scope: asked = defaultScope, origin, lifeSeconds, value }) => {
    try {
      return await requests.inOwnScope(async () => {
        const client = await provider.Client.find(clientId);
        if (client === undefined) throw new Error('the client of a token is not known');
        const scopes = asked.split(' ');
        const { session, grantId, scope } = await beginDirectSession(
          { provider, definition },
          {
            client,
            proof,
            identityScopes: builtInScopes.filter(
              (name) => name !== 'offline_access' && scopes.includes(name),
            ),
            scopes: [],
            resources: [],
            lifeSeconds,
            origin,
          },
        );
        const { signedInAt: authTime, amr, acr, sub } = proof;
        const token = new provider.AccessToken({
          accountId: sub,
          client,
          grantId,
          gty: 'direct_login',
          scope,
          sessionUid: session.uid,
          expiresWithSession: true,
          expiresIn: lifeSeconds,
        });
        Object.assign(token, { sid: session.sidFor(clientId), authTime, amr, acr }); // the last for `signInClaims`
        if (value !== undefined) giveValue(token, value);
        return { value: await token.save(), lifeSeconds, scope };
      });
    } catch (error) {
      throw toAppError(error);
    }
  };

/** The library chooses the token's format while it draws the value, so that is drawn too, and not used. */
const giveValue = (token: object, value: string): void => {
  const model = token as { generateTokenId(): string }; // public, but untyped
  const drawn = model.generateTokenId.bind(token);
  model.generateTokenId = () => {
    drawn();
    return value;
  };
};
