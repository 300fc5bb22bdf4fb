// What one authorization code gave: its tokens carry a mark that follows from the code, through all refreshes. A replay
// revokes those alone, and not what the app got with other codes (RFC 6749 section 4.1.2).
import type { AdapterPayload, KoaContextWithOIDC } from 'oidc-provider';
import { type Clock, epochSeconds } from '../../clock.ts';
import { hashId } from '../../crypto/ids.ts';
import type { Artifact, ArtifactWrite, TenantStorage } from '../../storage/storage.ts';

interface Marked {
  codeMark?: string;
}

/** Undefined for tokens of other grants. */
export const codeMarkOf = (token: object | undefined): string | undefined =>
  (token as Marked | undefined)?.codeMark; // of our own, unknown to the library's types

/** Of a token that is being made: of the code, or of the refresh token, that it is given for. */
export const markOfSource = (ctx: KoaContextWithOIDC | undefined): string | undefined => {
  const { AuthorizationCode: code, RotatedRefreshToken, RefreshToken } = ctx?.oidc.entities ?? {};
  return code === undefined ? codeMarkOf(RotatedRefreshToken ?? RefreshToken) : codeMark(code.jti);
};

export const codeMark = (code: string): string => hashId(`code ${code}`);

/** Where the end of all JWTs with this mark is noted. */
export const revokedMarkId = (mark: string): string => hashId(`tokens of ${mark}`);

export interface CodeTokens {
  /** The writes that revoke what this code gave. */
  revocationOf(code: string, grantId: string): Promise<readonly ArtifactWrite[]>;
}

export interface CodeTokensParts {
  readonly artifacts: Pick<TenantStorage['artifacts'], 'tokensOfGrant'>;
  readonly clock: Clock;
  /** Of all resources, the longest. */
  readonly jwtLifetimeSeconds: number;
}

export const createCodeTokens = ({ artifacts, clock, jwtLifetimeSeconds }: CodeTokensParts): CodeTokens => ({
  revocationOf: async (code, grantId) => {
    const mark = codeMark(code);
    const tokens = await artifacts.tokensOfGrant(hashId(grantId));
    const revoked: Artifact = {
      kind: 'RevokedToken',
      id: revokedMarkId(mark),
      payload: '',
      expiresAt: epochSeconds(clock) + jwtLifetimeSeconds,
    };
    return [
      { op: 'put', artifact: revoked },
      ...tokens
        .filter(({ payload }) => codeMarkOf(JSON.parse(payload) as AdapterPayload) === mark) // written by toArtifact
        .map(({ kind, id }) => ({ op: 'remove', kind, id }) as const),
    ];
  },
});
