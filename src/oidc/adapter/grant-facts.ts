import type { AdapterPayload } from 'oidc-provider';
import type { AppGrant } from '../../accounts/person-apps.ts';
import type { Artifact } from '../../storage/storage.ts';

/** The scopes of a stored Grant, which the library does not type. */
interface StoredGrant extends AdapterPayload {
  readonly openid?: { readonly scope?: string };
  readonly resources?: Readonly<Record<string, string>>;
}

/** The app that a stored Grant is for, and what the app may do. */
export const grantFactsOf = ({ payload }: Artifact): AppGrant | undefined => {
  const { clientId, iat, openid, resources = {} } = JSON.parse(payload) as StoredGrant; // written by toArtifact
  if (clientId === undefined) return undefined;
  return {
    clientId,
    scopes: scopesIn(openid?.scope),
    resources: Object.entries(resources).map(([identifier, scope]) => ({
      identifier,
      scopes: scopesIn(scope),
    })),
    grantedAt: iat ?? 0,
  };
};

const scopesIn = (text = ''): readonly string[] => text.split(' ').filter((scope) => scope !== '');
