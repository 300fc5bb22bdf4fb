import { deviceCodeGrant, tokenExchangeGrant } from '../../protocol/grant-types.ts';
import { accountScope, adminScope } from '../../protocol/scopes.ts';
import type { PathFault } from '../parsing/fault.ts';
import { resolveSecret, type SecretSources } from '../parsing/secrets.ts';
import { checkClientCertificate } from './client-certificate-rules.ts';
import type { ClientFile } from './client-schema.ts';
import { checkRedirectUri } from './redirect-uri.ts';

interface TenantFacts {
  /** Undefined: not known. */
  readonly hasAuthorities: boolean | undefined;
  readonly demo: boolean;
  readonly passwordGrant: boolean;
}

/** A public client has no credentials (RFC 6749 section 2.1). */
export const isPublic = (client: Pick<ClientFile, 'token_endpoint_auth_method'>): boolean =>
  client.token_endpoint_auth_method === 'none';

/** The rules between the keys of one client. Paths begin at the client. */
export const checkClient = (client: ClientFile, tenant: TenantFacts): readonly PathFault[] => [
  ...checkUris(client),
  ...checkGrants(client, tenant),
  ...checkProof(client),
  ...checkClientCertificate(client, tenant.hasAuthorities),
  ...checkScope(client),
  ...checkDirectLogin(client),
];

const checkDirectLogin = (client: ClientFile): readonly PathFault[] => {
  if (!client.directLogin)
    return client.emailCode
      ? [{ path: ['emailCode'], message: 'is of no use without directLogin: true; add that, or remove this' }]
      : [];
  if (!client.firstParty)
    return [
      {
        path: ['directLogin'],
        message:
          'lets a third party read passwords; remove it, or write firstParty: true if the client is your own',
      },
    ];
  return client.grant_types.includes('authorization_code')
    ? []
    : [{ path: ['directLogin'], message: 'needs authorization_code in grant_types; add it' }];
};

const checkScope = ({ scope, firstParty }: ClientFile): readonly PathFault[] =>
  [accountScope, adminScope]
    .filter((name) => !firstParty && scope?.split(' ').includes(name) === true)
    .map((name) => ({
      path: ['scope'],
      message: `holds ${name}, which only clients with firstParty: true can have; remove it`,
    }));

const checkUris = (client: ClientFile): readonly PathFault[] =>
  (['redirect_uris', 'post_logout_redirect_uris'] as const).flatMap((key) =>
    client[key].flatMap((uri, index) => {
      const message = checkRedirectUri(uri, client.application_type);
      return message === undefined ? [] : [{ path: [key, index], message }];
    }),
  );

const checkGrants = (client: ClientFile, tenant: TenantFacts): readonly PathFault[] => {
  const faults: PathFault[] = [];
  const grants: ReadonlySet<string> = new Set(client.grant_types);
  const at = (grant: string) => {
    const index = (client.grant_types as readonly string[]).indexOf(grant);
    return index === -1 ? ['grant_types'] : ['grant_types', index];
  };
  const fault = (path: PathFault['path'], message: string) => faults.push({ path, message });

  if (client.grant_types.length === 0)
    fault(['grant_types'], 'is empty; write at least one flow, such as authorization_code');
  if (grants.has('authorization_code') && client.redirect_uris.length === 0)
    fault(['redirect_uris'], 'is missing; authorization_code needs at least one address to send codes to');
  if (!grants.has('authorization_code') && client.redirect_uris.length > 0)
    fault(
      ['redirect_uris'],
      'is of no use without authorization_code; add that to grant_types, or remove this',
    );
  const types = client.response_types;
  if (types !== undefined && types.includes('code') !== grants.has('authorization_code'))
    fault(['response_types'], 'does not fit grant_types; remove this line, it follows from them');
  if (
    grants.has('refresh_token') &&
    !['authorization_code', 'password', deviceCodeGrant].some((one) => grants.has(one))
  )
    fault(
      at('refresh_token'),
      'is of no use alone; add a flow of a person, such as authorization_code, or remove it',
    );
  if (isPublic(client))
    for (const grant of ['client_credentials', 'password', tokenExchangeGrant].filter((one) =>
      grants.has(one),
    ))
      fault(at(grant), `is for confidential clients; give it a client_secret, or remove ${grant}`);
  if (grants.has('password') && !tenant.passwordGrant)
    fault(
      at('password'),
      'is not allowed in this tenant; write grants: { password: true } in the file, or remove it',
    );
  if (grants.has('password') && client.dpop_bound_access_tokens === true)
    fault(['dpop_bound_access_tokens'], 'does not go with the password grant; remove one of them');
  if (client.backchannel_logout_session_required !== undefined && client.backchannel_logout_uri === undefined)
    fault(['backchannel_logout_session_required'], 'is of no use without backchannel_logout_uri; remove it');
  if (!grants.has('password') && client.passwordGrant.sunset !== undefined)
    fault(['passwordGrant', 'sunset'], 'is of no use without password in grant_types; remove it');
  return faults;
};

const checkProof = (client: ClientFile): readonly PathFault[] => {
  const faults: PathFault[] = [];
  const method = client.token_endpoint_auth_method;
  const hasKeys = client.jwks !== undefined || client.jwks_uri !== undefined;
  const usesSecret = method === 'client_secret_basic' || method === 'client_secret_post';
  if (usesSecret && client.client_secret === undefined)
    faults.push({
      path: ['client_secret'],
      message: `is missing; write client_secret: env:NAME, or token_endpoint_auth_method: none for a public client`,
    });
  if (!usesSecret && client.client_secret !== undefined)
    faults.push({ path: ['client_secret'], message: `is not used with ${method}; remove it` });
  if (method === 'private_key_jwt' && !hasKeys)
    faults.push({ path: ['jwks'], message: 'is missing; private_key_jwt needs jwks or jwks_uri' });
  if (client.jwks !== undefined && client.jwks_uri !== undefined)
    faults.push({ path: ['jwks_uri'], message: 'does not go with jwks; remove one of them' });
  if (method !== 'private_key_jwt' && client.token_endpoint_auth_signing_alg !== undefined)
    faults.push({
      path: ['token_endpoint_auth_signing_alg'],
      message: 'is of no use without token_endpoint_auth_method: private_key_jwt; remove it',
    });
  if (method !== 'private_key_jwt' && client.assertionAudience !== undefined)
    faults.push({
      path: ['assertionAudience'],
      message: 'is of no use without token_endpoint_auth_method: private_key_jwt; remove it',
    });
  return faults;
};

const shortestSecret = 32;
const shortestDemoSecret = 16;

/** The secret of the client, or the fault in it or in its reference. */
export const resolveClientSecret = (
  text: string,
  demo: boolean,
  sources: SecretSources,
): { readonly ok: true; readonly value: string } | { readonly ok: false; readonly message: string } => {
  const resolved = resolveSecret(text, sources);
  if (!resolved.ok) return resolved;
  const shortest = demo ? shortestDemoSecret : shortestSecret;
  if (resolved.inline && !demo)
    return {
      ok: false,
      message: 'is written out; write a reference, env:NAME or file:/path (only demo tenants hold secrets)',
    };
  if (resolved.value.length < shortest)
    return {
      ok: false,
      message: `is shorter than ${shortest} characters; make one with: openssl rand -base64 32`,
    };
  if (resolved.value.length > 1024 || /[^\x20-\x7E]/.test(resolved.value))
    return { ok: false, message: 'is not at most 1024 printable ASCII characters; make another' };
  return { ok: true, value: resolved.value };
};
